SELECT *, CASE WHEN shut THEN 0 WHEN probing THEN CASE WHEN probe_out THEN 0 ELSE 1 END
    -- Nobody holds more than a tenth of a second of slots: who dies or dawdles wastes no more.
    WHEN apart IS NOT NULL THEN greatest(0, floor((0.1 - first_in) / apart) + 1) END AS allowance
FROM (
    SELECT r.*, at, 1 / p.pace AS apart, late, coalesce({{paused}}, false) AS shut,
        coalesce(vendor IS NOT NULL AND paused_until <= statement_timestamp(), false) AS probing,
        -- By its token and not by its state alone: the claim of the probe may be too new for this statement to see.
        EXISTS (SELECT FROM idempotency_record AS j WHERE j.id = r.probe_id AND (j.fencing_token < r.probe_token
            OR (j.fencing_token = r.probe_token AND j.state = 'processing'))) AS probe_out,
        coalesce(account_serial OR account_calls_per_second IS NOT NULL, false) AS by_account,
        greatest(extract(epoch FROM next_call_at - c.at)::float8, least(0, late - (burst - 1) / p.pace)) AS first_in,
        least(10, retry_tokens + coalesce(retry_floor * extract(epoch FROM statement_timestamp() - retry_tokens_at)::float8, 0)) AS tokens
    FROM (VALUES (1)) AS one (n) LEFT JOIN restraint AS r ON true, LATERAL (SELECT {{pace}} AS pace) AS p,
        -- By the clock, and after the row is locked: a statement that waited for it has an old time of its own.
        LATERAL (SELECT r.name AS of_queue, clock_timestamp() AS at) AS c,
        -- A late call bunches with those behind it, so its delay is taken out of the burst.
        LATERAL (SELECT least(0.1, greatest(0.02, (burst - 1) / p.pace)) AS late) AS l
) AS limits
