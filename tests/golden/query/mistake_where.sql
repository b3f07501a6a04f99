SELECT customer FROM 'orders.csv' WHERE sum(amount) > 1
