SELECT c.name FROM 'customers.csv' c LEFT JOIN 'orders.csv' o ON o.customer < c.id
