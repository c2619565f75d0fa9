-- The ramp takes as long as the pause did, up to ten seconds: who had to wait for half a second need not creep for ten.
least(1, greatest(0.05, extract(epoch FROM least(paused_until, statement_timestamp()) - paused_at)::float8 / 10))
