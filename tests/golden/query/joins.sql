SELECT c.name, o.id, o.amount
FROM 'customers.csv' AS c LEFT JOIN 'orders.csv' AS o ON o.customer = c.id AND o.amount >= 7
ORDER BY c.name, o.id NULLS LAST
