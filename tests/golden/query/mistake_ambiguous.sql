SELECT id FROM 'orders.csv' o JOIN 'customers.csv' c ON o.customer = c.id
