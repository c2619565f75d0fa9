-- beats that are long gone: names of containers never come back
DELETE FROM jobs_schedules_beat WHERE seen_at < statement_timestamp() - interval '1 day'
