SELECT id, amount * 2 AS twice, upper(note) AS loud, placed + 30 AS due, paid
FROM 'orders.csv' WHERE amount > 5 OR note IS NULL ORDER BY id
