SELECT id, name FROM 'customers.csv' UNION SELECT id FROM 'orders.csv'
