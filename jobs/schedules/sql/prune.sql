-- old rows of the ledger: positions go only forward, so that no tick fires again
DELETE FROM jobs_schedules_tick WHERE id IN (
    SELECT id FROM jobs_schedules_tick
    WHERE at < statement_timestamp() - %(retention)s AND outcome <> 'waiting' LIMIT %(most)s)
