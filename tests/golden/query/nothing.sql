SELECT 1 + 1 AS two, date('2024-01-31', '+1 month') AS later, NULL AS nothing
