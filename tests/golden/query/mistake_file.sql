SELECT * FROM 'order.csv'
