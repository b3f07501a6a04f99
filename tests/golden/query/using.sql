SELECT * FROM 'customers.csv' JOIN (SELECT customer AS id, count(*) AS n FROM 'orders.csv' GROUP BY 1) AS o USING (id)
ORDER BY id
