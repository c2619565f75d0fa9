-- read: what each queue could claim now (up to a cap), and when more becomes claimable
SELECT name,
    (SELECT count(*) FROM (SELECT FROM idempotency_record WHERE queue = name AND {{claimable}} LIMIT %(cap)s) AS due),
    (SELECT extract(epoch FROM min(available_at) - statement_timestamp()) FROM idempotency_record
     WHERE queue = name AND state = 'queued' AND parked_reason IS NULL AND available_at > statement_timestamp()),
    (SELECT extract(epoch FROM paused_until - statement_timestamp()) FROM idempotency_queue AS p
     WHERE p.name = queues.name AND paused_at IS NOT NULL AND paused_until > statement_timestamp())
FROM unnest(%(queues)s::text[]) AS queues (name)
