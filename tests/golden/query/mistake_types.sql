SELECT * FROM 'orders.csv' o JOIN 'customers.csv' c ON o.note = c.id
