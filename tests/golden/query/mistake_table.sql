WITH orders AS (SELECT * FROM 'orders.csv') SELECT * FROM order
