SELECT id FROM 'orders.csv' WHERE customer = (SELECT id FROM 'customers.csv' WHERE city = 'Berlin')
