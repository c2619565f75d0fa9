-- the schedule's position, in the transaction that wrote its ticks
UPDATE jobs_schedules_position SET accounted_until = %(accounted_until)s, next_due_at = %(next_due_at)s,
    last_record_id = coalesce(%(last_record_id)s, last_record_id), paused_at = %(paused_at)s,
    paused_why = %(paused_why)s
WHERE schedule_id = %(id)s
