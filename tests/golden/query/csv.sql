-- --csv
SELECT id, note, placed, amount FROM 'orders.csv' LIMIT 4
