SELECT id, rank() OVER (ORDER BY amount) FROM 'orders.csv'
