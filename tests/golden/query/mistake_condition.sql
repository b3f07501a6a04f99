SELECT * FROM 'orders.csv' WHERE note
