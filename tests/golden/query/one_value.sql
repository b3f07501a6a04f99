SELECT id, (SELECT name FROM 'customers.csv' WHERE id = 12) AS who FROM 'orders.csv'
WHERE customer = (SELECT id FROM 'customers.csv' WHERE name = 'Ada')
