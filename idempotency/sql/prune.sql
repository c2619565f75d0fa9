-- succeeded → succeeded: prune, leaving a tombstone that answers for the key
WITH old AS MATERIALIZED (
    SELECT id, key, task FROM idempotency_record
    WHERE state = 'succeeded' AND pruned_at IS NULL AND finished_at < statement_timestamp() - %(retention)s
    ORDER BY finished_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED
), hollowed AS (
    UPDATE idempotency_record AS r
    SET payload = NULL, options = NULL, result = NULL, error = NULL, claimed_by = NULL, pruned_at = statement_timestamp()
    WHERE r.id = ANY(ARRAY(SELECT id FROM old WHERE old.key IS NOT NULL)) RETURNING r.id, r.task
), deleted AS (
    DELETE FROM idempotency_record AS r
    WHERE r.id = ANY(ARRAY(SELECT id FROM old WHERE old.key IS NULL)) RETURNING r.id, r.task
), gone AS (
    SELECT id, task FROM hollowed UNION ALL SELECT id, task FROM deleted
), forgotten AS (
    DELETE FROM idempotency_attempt WHERE record_id = ANY(ARRAY(SELECT id FROM old))
), steps_forgotten AS (
    DELETE FROM idempotency_step WHERE record_id = ANY(ARRAY(SELECT id FROM old))
), progress_forgotten AS (
    DELETE FROM idempotency_progress WHERE record_id = ANY(ARRAY(SELECT id FROM old))
), tallied AS (
    INSERT INTO idempotency_tally (task, accepted, pruned) SELECT task, 0, count(*) FROM gone GROUP BY task
)
SELECT id FROM gone
