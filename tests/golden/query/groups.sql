SELECT customer, count(*) AS n, sum(amount) AS total, sum(amount) / count(amount) AS mean,
       CASE WHEN max(amount) > 100 THEN 'big' ELSE 'small' END AS size
FROM 'orders.csv'
GROUP BY customer HAVING count(*) > 1 OR customer IS NULL
ORDER BY total DESC, customer
