SELECT id, amuont
FROM 'orders.csv'
