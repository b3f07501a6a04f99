SELECT id FROM 'orders.csv' WHERE note = "first"
