SELECT customer FROM 'orders.csv' EXCEPT SELECT id FROM 'customers.csv' UNION ALL SELECT 0 ORDER BY 1
