-- the clock that all ticks are measured by; and how long until the next one is due
SELECT statement_timestamp(), (SELECT min(next_due_at) FROM jobs_schedules_position)
