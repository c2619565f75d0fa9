jsonb_strip_nulls(jsonb_build_object(
    'crontab', CASE WHEN c.id IS NOT NULL THEN jsonb_build_array(
        c.minute, c.hour, c.day_of_month, c.month_of_year, c.day_of_week, c.timezone) END,
    'forward', CASE WHEN c.id IS NOT NULL THEN coalesce(y.clocks_forward, 'auto') END,
    'back', CASE WHEN c.id IS NOT NULL THEN coalesce(y.clocks_back, 'auto') END,
    'interval', CASE WHEN i.id IS NOT NULL THEN jsonb_build_array(i.every, i.period) END,
    'solar', CASE WHEN s.id IS NOT NULL THEN jsonb_build_array(s.event, s.latitude::text, s.longitude::text) END,
    'clocked', to_char(k.clocked_time AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
    'start', to_char(p.start_time AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
    'until', to_char(p.expires AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')))
