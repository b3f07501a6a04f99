SELECT name FROM 'customers.csv' c WHERE EXISTS (SELECT 1 FROM 'orders.csv' WHERE customer = c.id)
