-- processing → processing: end the leases of a claimant known to be dead, for the reaper to take
UPDATE idempotency_record SET lease_expires_at = statement_timestamp() - interval '1 millisecond'
WHERE state = 'processing' AND claimed_by = %(claimed_by)s
RETURNING id
