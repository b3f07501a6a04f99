SELECT customer, string_agg(note, '; ' ORDER BY amount DESC) AS notes, group_concat(DISTINCT note) AS different,
       string_agg(CAST(id AS text), '') AS ids, string_agg(note, '-') FILTER (WHERE paid) AS paid
FROM 'orders.csv' GROUP BY customer ORDER BY customer
