-- First everybody's first, then everybody's second, what was served lately counted in: else the oldest backlog of all lines
-- would always win. A solo record alone, calls within the slots.
SELECT * FROM (
    SELECT c.*, first_value(solo) OVER w AS solo_first, row_number() OVER w = 1 AS is_first,
        -- Both without the solo records that are left out.
        coalesce(sum(calls) FILTER (WHERE NOT solo) OVER w, 0) - CASE WHEN solo THEN 0 ELSE calls END AS calls_before,
        greatest(1, count(*) FILTER (WHERE NOT solo) OVER w) AS number
    FROM (
        -- Where nothing restrains the queue there is nothing to budget, and each one's place is known: three sorts less.
        SELECT id, line, turn, served, account_hash, solo, calls, fencing_token, due_at, nth AS place
        FROM seen WHERE (SELECT name FROM gate) IS NULL
        UNION ALL
        {{affordable}}
    ) AS c
    WINDOW w AS (ORDER BY place + served, due_at, id ROWS UNBOUNDED PRECEDING)
) AS d
WHERE (is_first OR NOT (solo OR solo_first))
    AND calls_before < coalesce((SELECT allowance FROM gate), 'infinity') AND number <= %(limit)s
-- The plain number is for the planner: of a parameter it expects thousands, and would read the whole table for them.
ORDER BY number LIMIT 200
