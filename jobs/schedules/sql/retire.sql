-- a disabled schedule owes nothing, and begins anew when it is enabled again
UPDATE jobs_schedules_position AS o SET timing = NULL, next_due_at = NULL, problem = NULL
FROM django_celery_beat_periodictask AS p WHERE p.id = o.schedule_id AND NOT p.enabled AND o.timing IS NOT NULL
