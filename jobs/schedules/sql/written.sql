-- which of these ticks the ledger has already: a backfill was there before
SELECT nominal FROM jobs_schedules_tick WHERE schedule = %(schedule)s AND nominal = ANY(%(nominals)s)
