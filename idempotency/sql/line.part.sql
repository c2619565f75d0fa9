priority * 2 + CASE WHEN attempt = 0 THEN 0 ELSE 1 END
