SELECT id, sum(amount) OVER w AS so_far, count(*) OVER (w ROWS 1 PRECEDING) AS n, rank() OVER v
FROM 'orders.csv' WINDOW w AS (PARTITION BY customer ORDER BY id), v AS (ORDER BY amount) ORDER BY id
