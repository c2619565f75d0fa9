UPDATE idempotency_record AS r
SET state = 'processing', attempt = attempt + 1, fencing_token = r.fencing_token + 1, lease_id = %(lease_id)s,
    lease_expires_at = statement_timestamp() + %(lease)s, claimed_by = %(claimed_by)s,
    started_at = statement_timestamp(), line = NULL
