SELECT customer, amount, sum(DISTINCT amount) FROM 'orders.csv' GROUP BY customer
