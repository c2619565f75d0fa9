-- the next tick of each schedule that has one
SELECT p.name, o.next_due_at FROM jobs_schedules_position AS o
JOIN django_celery_beat_periodictask AS p ON p.id = o.schedule_id AND p.enabled
WHERE o.next_due_at IS NOT NULL ORDER BY o.next_due_at, p.name
