-- ticks that wait for a schedule that is gone, renamed or disabled
UPDATE jobs_schedules_tick AS t SET outcome = 'missed', why = 'its schedule is gone, renamed or disabled'
WHERE outcome = 'waiting' AND NOT EXISTS (
    SELECT FROM django_celery_beat_periodictask AS p WHERE p.name = t.schedule AND p.enabled)
