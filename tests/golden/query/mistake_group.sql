SELECT customer, amount FROM 'orders.csv' GROUP BY customer
