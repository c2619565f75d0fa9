-- processing: keep what a step returned, unless an attempt before this one has
WITH owner AS (
    SELECT r.id FROM idempotency_record AS r, (SELECT %(id)s::uuid, %(token)s::bigint) AS o (id, token)
    WHERE {{own}} FOR SHARE OF r
), kept AS (
    INSERT INTO idempotency_step (record_id, name, input, result, created_at)
    SELECT id, %(name)s, %(input)s, %(result)s::jsonb, statement_timestamp() FROM owner
    ON CONFLICT (record_id, name) DO NOTHING
)
SELECT id FROM owner
