-- read: who holds records, of those whose name begins so
SELECT DISTINCT claimed_by FROM idempotency_record WHERE state = 'processing' AND starts_with(claimed_by, %(prefix)s)
