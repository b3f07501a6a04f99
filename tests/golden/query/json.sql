-- --json
SELECT id, note, placed, amount, paid FROM 'orders.csv' LIMIT 4
