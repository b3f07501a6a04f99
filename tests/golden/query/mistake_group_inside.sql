SELECT customer, (SELECT name FROM 'customers.csv' AS c WHERE c.id = o.customer LIMIT 1) FROM 'orders.csv' AS o GROUP BY customer
