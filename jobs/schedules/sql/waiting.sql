-- ticks that wait, the oldest first
SELECT nominal FROM jobs_schedules_tick WHERE schedule = %(schedule)s AND outcome = 'waiting' ORDER BY nominal
LIMIT %(most)s
