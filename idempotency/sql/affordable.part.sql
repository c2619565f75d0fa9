-- Of a queue that something restrains: retries within their budget, one job of an account, a turn's calls within the slots.
SELECT id, line, turn, served, account_hash, solo, calls, fencing_token, due_at, place FROM (
    -- Of few slots each goes to whose turn it is: by age alone one old backlog would get them all.
    SELECT p.*, sum(calls) OVER (PARTITION BY line, place ORDER BY served, turn) - calls AS calls_in_turn FROM (
        -- Counted without the retries that the budget keeps waiting: they keep nobody else of their account.
        SELECT a.*, row_number() OVER (PARTITION BY account_hash ORDER BY due_at, id) AS place FROM (
            SELECT seen.*, count(*) FILTER (WHERE line & 1 = 1) OVER (ORDER BY nth, due_at, id) AS retries
            FROM seen WHERE (SELECT name FROM gate) IS NOT NULL
        ) AS a, gate
        WHERE line & 1 = 0 OR gate.retry_share IS NULL OR retries <= gate.tokens
    ) AS p
) AS b, gate
WHERE (place = 1 OR NOT gate.by_account) AND (gate.allowance IS NULL OR calls_in_turn < gate.allowance)
