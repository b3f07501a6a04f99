SELECT * EXCLUDE (note, paid) REPLACE (amount * 2 AS amount) FROM 'orders.csv' FETCH FIRST 3 ROWS ONLY
