SELECT c.name, o.id, o2.id FROM 'customers.csv' AS c
LEFT JOIN ('orders.csv' AS o JOIN 'orders.csv' AS o2 ON o.customer = o2.customer AND o.id < o2.id) ON o.customer = c.id
ORDER BY 1, 2, 3
