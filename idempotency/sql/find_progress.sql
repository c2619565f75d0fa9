-- read: how far a job has come
SELECT cursor, done, total FROM idempotency_progress WHERE record_id = %(id)s
