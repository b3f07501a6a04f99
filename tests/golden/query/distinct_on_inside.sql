SELECT c.name, q.* EXCLUDE (customer) FROM (SELECT DISTINCT ON (customer) * FROM 'orders.csv' ORDER BY id DESC) AS q
JOIN 'customers.csv' AS c ON c.id = q.customer ORDER BY c.name
