SELECT id, note FROM 'orders.csv' WHERE false
