-- --explain
SELECT c.city, sum(o.amount) AS total FROM 'orders.csv' o JOIN 'customers.csv' c ON o.customer = c.id
WHERE o.paid AND c.name <> 'Bo' GROUP BY c.city HAVING sum(o.amount) > 1 ORDER BY total DESC LIMIT 3
