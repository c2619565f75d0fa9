-- read: attempts whose record is gone
SELECT DISTINCT a.record_id FROM idempotency_attempt AS a
WHERE NOT EXISTS (SELECT FROM idempotency_record AS r WHERE r.id = a.record_id) ORDER BY 1 LIMIT 20
