WITH per_city AS (
  SELECT c.city, sum(o.amount) AS total FROM 'orders.csv' o JOIN 'customers.csv' c ON o.customer = c.id
  GROUP BY c.city
), top AS (SELECT city, total FROM per_city ORDER BY total DESC LIMIT 1)
SELECT t.city, t.total, p.city AS other FROM top AS t CROSS JOIN per_city AS p ORDER BY other
