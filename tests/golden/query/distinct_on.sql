SELECT DISTINCT ON (customer) customer, id AS latest, amount FROM 'orders.csv' ORDER BY customer, placed DESC
