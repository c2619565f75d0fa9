-- Calls per second: the limit; after a pause they double each second from one, to a thousand, and none is left to learn.
least(r.calls_per_second, CASE WHEN r.ramp_from > statement_timestamp() - interval '10 seconds'
    THEN 2 ^ extract(epoch FROM statement_timestamp() - r.ramp_from)::float8 END)
