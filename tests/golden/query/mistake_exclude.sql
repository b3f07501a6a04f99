SELECT * EXCLUDE (nam) FROM 'customers.csv'
