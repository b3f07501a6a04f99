SELECT id, -amount AS amount FROM 'orders.csv' WHERE id < 5 ORDER BY amount + 0 DESC, amount
