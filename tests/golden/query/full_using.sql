SELECT id, name, amount, o.id AS order_id FROM 'customers.csv' FULL JOIN (FROM 'orders.csv' SELECT customer AS id, amount) AS o
USING (id) ORDER BY id, amount
