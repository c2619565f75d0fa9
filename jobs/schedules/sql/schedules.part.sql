django_celery_beat_periodictask AS p
LEFT JOIN django_celery_beat_crontabschedule AS c ON c.id = p.crontab_id
LEFT JOIN django_celery_beat_intervalschedule AS i ON i.id = p.interval_id
LEFT JOIN django_celery_beat_solarschedule AS s ON s.id = p.solar_id
LEFT JOIN django_celery_beat_clockedschedule AS k ON k.id = p.clocked_id
LEFT JOIN jobs_schedules_policy AS y ON y.schedule_id = p.id
LEFT JOIN jobs_schedules_position AS o ON o.schedule_id = p.id
