-- Of each account its share of this claim, the oldest first; a step of priority is worth a minute of waiting.
SELECT t.line, t.turn, t.served, r.*, quota,
    row_number() OVER (PARTITION BY t.account_hash ORDER BY r.due_at, r.id) AS nth
-- The share is an account's and not a line's: else a low priority would get as much of each claim as a high one.
FROM (SELECT *, ceil(%(limit)s / (SELECT count(DISTINCT account_hash) FROM turns)::float8)::int AS quota
      FROM turns) AS t, LATERAL (
    SELECT id, solo, account_hash, calls, fencing_token, available_at - priority * interval '1 minute' AS due_at
    FROM idempotency_record AS r
    WHERE r.queue = %(queue)s AND r.line = t.line AND r.account_hash = t.account_hash AND attempt < max_attempts
    ORDER BY r.available_at LIMIT t.quota FOR UPDATE SKIP LOCKED) AS r
