-- how each enabled schedule stands
SELECT p.name, o.next_due_at, coalesce(o.next_due_at < statement_timestamp() - %(grace)s, false), o.problem, o.paused_why
FROM jobs_schedules_position AS o
JOIN django_celery_beat_periodictask AS p ON p.id = o.schedule_id AND p.enabled
ORDER BY o.next_due_at, p.name
