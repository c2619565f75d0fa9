-- a schedule is new, or its times were edited: it counts from now, whichever beat is the first to see it
INSERT INTO jobs_schedules_position AS o (schedule_id, timing, anchored_at, accounted_until, next_due_at, problem)
VALUES (%(id)s, %(timing)s::jsonb, %(now)s, %(accounted_until)s, %(next_due_at)s, %(problem)s)
ON CONFLICT (schedule_id) DO UPDATE SET timing = excluded.timing, anchored_at = excluded.anchored_at,
    accounted_until = excluded.accounted_until, next_due_at = excluded.next_due_at, problem = excluded.problem
WHERE o.timing IS DISTINCT FROM excluded.timing
    AND (o.next_due_at IS NULL OR o.next_due_at > statement_timestamp())
