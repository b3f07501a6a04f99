SELECT c.name, o.id, sum(o.amount) OVER (PARTITION BY c.id ORDER BY o.id) AS so_far
FROM 'customers.csv' AS c FULL JOIN 'orders.csv' AS o ON o.customer = c.id AND o.id > 3
ORDER BY c.name NULLS LAST, o.id
