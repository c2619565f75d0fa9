paused_at IS NOT NULL AND (paused_until IS NULL OR paused_until > statement_timestamp())
