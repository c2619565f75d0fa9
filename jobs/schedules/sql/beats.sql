-- beats that reported lately
SELECT name, fired, clock_offset, seen_at FROM jobs_schedules_beat
WHERE seen_at > statement_timestamp() - %(alive)s ORDER BY name
