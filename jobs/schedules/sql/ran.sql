-- what django-celery-beat shows of a schedule; these columns alone, so that no edit of a person is undone
UPDATE django_celery_beat_periodictask SET last_run_at = statement_timestamp(),
    total_run_count = total_run_count + %(count)s, enabled = enabled AND NOT one_off
WHERE id = %(id)s
