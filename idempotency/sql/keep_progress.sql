-- processing: keep how far the job has come; what is not said stays as it was
WITH owner AS (
    SELECT r.id FROM idempotency_record AS r, (SELECT %(id)s::uuid, %(token)s::bigint) AS o (id, token)
    WHERE {{own}} FOR SHARE OF r
), kept AS (
    INSERT INTO idempotency_progress AS p (record_id, cursor, done, total, updated_at)
    SELECT id, %(cursor)s::jsonb, %(done)s, %(total)s, statement_timestamp() FROM owner
    ON CONFLICT (record_id) DO UPDATE SET cursor = coalesce(excluded.cursor, p.cursor),
        done = coalesce(excluded.done, p.done), total = coalesce(excluded.total, p.total),
        updated_at = excluded.updated_at
)
SELECT id FROM owner
