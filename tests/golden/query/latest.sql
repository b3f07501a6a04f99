SELECT name, (SELECT amount FROM 'orders.csv' AS o WHERE o.customer = c.id ORDER BY placed DESC, o.id LIMIT 1) AS latest
FROM 'customers.csv' AS c ORDER BY name
