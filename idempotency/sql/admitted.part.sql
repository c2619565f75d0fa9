-- Where the vendor limits each account: the accounts that are free, which this very statement makes busy.
INSERT INTO idempotency_account AS a (queue, account_hash, held_by, held_token, next_call_at)
SELECT %(queue)s, account_hash, chosen.id, fencing_token + 1,
    statement_timestamp() + calls / gate.account_calls_per_second * interval '1 second'
FROM chosen, gate WHERE gate.by_account
ON CONFLICT (queue, account_hash) DO UPDATE
SET held_by = excluded.held_by, held_token = excluded.held_token,
    next_call_at = greatest(a.next_call_at, statement_timestamp()) + (excluded.next_call_at - statement_timestamp())
WHERE (SELECT NOT {{account_busy}} FROM gate)
RETURNING held_by
