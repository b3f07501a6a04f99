SELECT id, amount FROM 'orders.csv'
WHERE customer IN (SELECT id FROM 'customers.csv' WHERE city = 'Berlin')
  AND amount > (SELECT avg(amount) FROM 'orders.csv')
