-- --explain
SELECT 'it''s ${env:HOME}' || note AS "odd name", -(-id) AS d, NOT paid AND id NOT BETWEEN 1 AND 2 OR id IN (3, 4)
FROM 'orders.csv' WHERE note LIKE '%a!%' ESCAPE '!' AND (id - (2 - 1)) * 3 > 0
