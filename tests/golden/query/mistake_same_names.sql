SELECT q.id FROM (SELECT id, customer AS id FROM 'orders.csv') AS q
