-- read: which of these queues hold records back
SELECT name FROM unnest(%(queues)s::text[]) AS queues (name)
WHERE EXISTS (SELECT FROM idempotency_record WHERE queue = name AND held)
