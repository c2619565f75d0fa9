-- a paused schedule ticks again
UPDATE jobs_schedules_position AS o SET paused_at = NULL, paused_why = NULL, resumed_at = statement_timestamp()
FROM jobs_schedules_position AS was, django_celery_beat_periodictask AS p
WHERE p.name = %(name)s AND o.schedule_id = p.id AND was.schedule_id = p.id AND o.paused_at IS NOT NULL
RETURNING was.paused_why
