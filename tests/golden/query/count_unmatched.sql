SELECT count(*) AS n, max(c.name) AS last FROM 'customers.csv' AS c WHERE NOT EXISTS (SELECT 1 FROM 'orders.csv' AS o WHERE o.customer = c.id AND o.amount > 6)
