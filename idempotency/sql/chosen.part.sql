-- First everybody's first, then everybody's second, what was served lately counted in: else the oldest backlog of all lines
-- would always win. Retries within their budget, a solo record alone, calls within the slots.
SELECT * FROM (
    SELECT c.*, sum(calls) OVER w - calls AS calls_before, row_number() OVER w AS number
    FROM (
        SELECT b.*, first_value(solo) OVER w AS solo_first, row_number() OVER w = 1 AS is_first FROM (
            -- Of few slots each goes to whose turn it is: by age alone one old backlog would get them all.
            SELECT p.*, sum(calls) OVER (PARTITION BY line, place ORDER BY served, turn) - calls AS calls_in_turn FROM (
                -- Counted without the retries that the budget keeps waiting: they keep nobody else of their account.
                SELECT a.*, row_number() OVER (PARTITION BY account_hash ORDER BY due_at, id) AS place FROM (
                    SELECT seen.*, count(*) FILTER (WHERE line & 1 = 1) OVER (ORDER BY nth, due_at, id) AS retries FROM seen
                ) AS a, gate
                WHERE line & 1 = 0 OR gate.retry_share IS NULL OR retries <= gate.tokens
            ) AS p
        ) AS b, gate
        WHERE (place = 1 OR NOT gate.by_account) AND (gate.allowance IS NULL OR calls_in_turn < gate.allowance)
        WINDOW w AS (ORDER BY place + served, due_at, id)
    ) AS c
    WHERE is_first OR NOT (solo OR solo_first)
    WINDOW w AS (ORDER BY place + served, due_at, id)
) AS d
WHERE calls_before < coalesce((SELECT allowance FROM gate), 'infinity') AND number <= %(limit)s
-- The plain number is for the planner: of a parameter it expects thousands, and would read the whole table for them.
ORDER BY number LIMIT 200
