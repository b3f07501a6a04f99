SELECT id FROM 'orders.csv' WHERE (customer, id) IN (VALUES (10, 1), (10, 6), (11, 3)) OR (customer, id) > (12, 5)
