-- Calls per second: the limit; after a pause they double with each step from one, ten times, and none is left to learn.
least(r.calls_per_second, CASE WHEN r.ramp_from > statement_timestamp() - 10 * r.ramp_step * interval '1 second'
    THEN 2 ^ (extract(epoch FROM statement_timestamp() - r.ramp_from)::float8 / r.ramp_step) / r.ramp_step END)
