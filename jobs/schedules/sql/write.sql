-- the ledger: what became of each of these ticks
INSERT INTO jobs_schedules_tick (schedule, nominal, outcome, why, task, record_id, beat, at)
SELECT %(schedule)s, nominal, outcome, why, %(task)s, record_id, %(beat)s, statement_timestamp()
FROM unnest(%(nominals)s::timestamptz[], %(outcomes)s::text[], %(whys)s::text[], %(record_ids)s::uuid[])
    AS t (nominal, outcome, why, record_id)
