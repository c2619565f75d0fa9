-- read: what a step returned
SELECT input, result FROM idempotency_step WHERE record_id = %(id)s AND name = %(name)s
