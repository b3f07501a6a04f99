SELECT id FROM 'orders.csv' WHERE customer >= ANY (SELECT id FROM 'customers.csv')
