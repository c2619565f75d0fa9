-- when any beat last looked at the schedules
SELECT max(seen_at) FROM jobs_schedules_beat
