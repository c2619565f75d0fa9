-- who has something to do: a tick is due, or one waits and the job before it is done
SELECT schedule_id FROM (
    SELECT schedule_id, next_due_at FROM jobs_schedules_position WHERE next_due_at <= statement_timestamp()
    UNION
    SELECT o.schedule_id, o.next_due_at FROM jobs_schedules_tick AS t
    JOIN django_celery_beat_periodictask AS p ON p.name = t.schedule AND p.enabled
    JOIN jobs_schedules_position AS o ON o.schedule_id = p.id
    LEFT JOIN idempotency_record AS r ON r.id = o.last_record_id
    WHERE t.outcome = 'waiting' AND (r.id IS NULL OR r.state NOT IN ('queued', 'processing'))
) AS busy GROUP BY schedule_id ORDER BY min(next_due_at) NULLS FIRST LIMIT %(most)s
