-- read: how many records of a queue living workers hold, and since how many seconds on average
SELECT count(*), coalesce(avg(extract(epoch FROM statement_timestamp() - started_at)), 0)::float FROM (
    SELECT started_at FROM idempotency_record
    WHERE queue = %(queue)s AND state = 'processing' AND lease_expires_at > statement_timestamp() LIMIT %(cap)s
) AS in_hand
