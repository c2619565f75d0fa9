-- read: who holds a record, and under which claim
SELECT state, fencing_token, lease_id, claimed_by FROM idempotency_record WHERE id = %(id)s
