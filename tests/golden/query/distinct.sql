SELECT DISTINCT amount, paid FROM 'orders.csv' ORDER BY amount DESC NULLS LAST, paid LIMIT 4 OFFSET 1
