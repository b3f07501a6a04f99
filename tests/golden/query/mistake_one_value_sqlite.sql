SELECT name, (SELECT o.id FROM 'orders.csv' AS o WHERE o.customer = c.id) AS his FROM 'customers.csv' AS c
