-- a beat says that it is there, and how wrong its own clock is
INSERT INTO jobs_schedules_beat AS b (name, started_at, seen_at, fired, clock_offset)
VALUES (%(name)s, statement_timestamp(), statement_timestamp(), %(fired)s, %(clock_offset)s)
ON CONFLICT (name) DO UPDATE SET seen_at = excluded.seen_at, fired = excluded.fired,
    clock_offset = excluded.clock_offset
