SELECT * FROM (SELECT id AS customer, name FROM 'customers.csv') AS c NATURAL JOIN (SELECT customer, amount FROM 'orders.csv') AS o
ORDER BY customer, amount LIMIT 4
