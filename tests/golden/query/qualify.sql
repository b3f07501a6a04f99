SELECT customer, id, amount FROM 'orders.csv' WHERE amount IS NOT NULL
QUALIFY row_number() OVER (PARTITION BY customer ORDER BY amount DESC) = 1 ORDER BY amount LIMIT 3
