-- read: what became of one record
SELECT state, result, reason, error FROM idempotency_record WHERE id = %(id)s
