SELECT id FROM 'orders.csv' WHERE rank() OVER (ORDER BY amount) = 1
