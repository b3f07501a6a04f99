SELECT id FROM 'orders.csv' ORDER id
