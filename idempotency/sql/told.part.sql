SELECT r.*,
    (SELECT count(*) FROM seen) > (SELECT count(*) FROM taken) OR (SELECT bool_or(filled) FROM seen)
        OR (SELECT max(turn) FROM turns) >= %(accounts)s AS left_others,
    taken.number, taken.line, taken.account_hash, taken.turn, coalesce(failures > 0 OR probing, false) AS doubtful,
    -- A slot that the burst allows lies in the past, and is there to be used from now on: none is late before it is told.
    -- The clock is asked once for all of them: asked for each row, it would bring the slots of later ones closer.
    CASE WHEN taken.slot_in < 0 THEN 0 ELSE taken.slot_in END
        - extract(epoch FROM (SELECT clock_timestamp()) - gate.at)::float8 AS slot_in, gate.apart, gate.late,
    extract(epoch FROM (SELECT clock_timestamp()) - statement_timestamp())::float8 AS took
-- A full join, because no planner can make a nested loop of it: of a claim's size it knows nothing, and each of 200
-- records compared with each of 200 cost more than all the rest.
FROM gate, claimed AS r FULL JOIN taken ON taken.id = r.id WHERE coalesce(r.attempt, 0) > 0
    AND (SELECT %(durable)s OR set_config('synchronous_commit', 'off', true) = 'off')  -- once, for this transaction
