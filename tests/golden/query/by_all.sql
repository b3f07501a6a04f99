SELECT city, count(*) AS n, count(DISTINCT name) AS names FROM 'customers.csv' GROUP BY ALL ORDER BY ALL DESC
