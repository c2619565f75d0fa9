-- a tick that waited has come to its end; so has one that a person backfills
UPDATE jobs_schedules_tick SET outcome = %(outcome)s, why = %(why)s, record_id = %(record_id)s, beat = %(beat)s,
    task = %(task)s, at = statement_timestamp()
WHERE schedule = %(schedule)s AND nominal = %(nominal)s AND outcome = ANY(%(before)s)
RETURNING id
