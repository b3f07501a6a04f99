WITH RECURSIVE days(day) AS (SELECT DATE '2024-01-04' UNION ALL SELECT day + 1 FROM days WHERE day < '2024-01-09'),
     placed AS (SELECT placed, count(*) AS n FROM 'orders.csv' GROUP BY placed)
SELECT day, coalesce(n, 0) AS n FROM days LEFT JOIN placed ON placed = day ORDER BY day
