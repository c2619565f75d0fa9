-- whether the job of the tick before is still to be done
SELECT EXISTS (SELECT FROM idempotency_record WHERE id = %(id)s AND state IN ('queued', 'processing'))
