-- processing → processing: renew the lease
UPDATE idempotency_record AS r SET lease_expires_at = statement_timestamp() + %(lease)s
WHERE {{owned}}
RETURNING r.id
