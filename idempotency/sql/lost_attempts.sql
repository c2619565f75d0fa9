-- read: attempts whose worker died, froze or lost the database, within the last quarter of an hour
SELECT count(*) FROM idempotency_attempt
WHERE finished_at > statement_timestamp() - interval '15 minutes' AND outcome = 'reap'
