-- --explain
SELECT id, rank() OVER (ORDER BY amount * 2 DESC) AS r FROM 'orders.csv' AS o
WHERE id > 2 AND (paid OR customer IN (SELECT id FROM 'customers.csv' WHERE city IS NULL))
ORDER BY r LIMIT 3
