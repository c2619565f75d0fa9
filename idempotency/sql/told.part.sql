SELECT r.*, taken.number, taken.line, taken.account_hash, taken.turn,
    -- A slot that the burst allows lies in the past, and is there to be used from now on: none is late before it is told.
    -- The clock is asked once for all of them: asked for each row, it would bring the slots of later ones closer.
    CASE WHEN taken.slot_in < 0 THEN 0 ELSE taken.slot_in END
        - (SELECT extract(epoch FROM clock_timestamp() - gate.at)::float8 FROM gate) AS slot_in,
    -- What is the same for all is told with one of them.
    CASE WHEN r.id = (SELECT id FROM claimed LIMIT 1) THEN (
        SELECT json_build_array(%(queue)s, %(claimed_by)s, statement_timestamp() + %(lease)s,
            (SELECT count(*) FROM seen) > (SELECT count(*) FROM taken) OR (SELECT max(turn) FROM turns) >= %(accounts)s
                OR EXISTS (SELECT FROM seen GROUP BY line, account_hash HAVING count(*) >= min(quota)),
            coalesce(failures > 0 OR probing, false), apart, late,
            extract(epoch FROM clock_timestamp() - statement_timestamp())::float8)::text FROM gate) END AS of_all
-- A full join, because no planner can make a nested loop of it: of a claim's size it knows nothing, and each of 200
-- records compared with each of 200 cost more than all the rest.
FROM claimed AS r FULL JOIN taken ON taken.id = r.id WHERE coalesce(r.attempt, 0) > 0
    AND (SELECT %(durable)s OR set_config('synchronous_commit', 'off', true) = 'off')  -- once, for this transaction
