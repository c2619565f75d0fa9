-- Of each line the accounts whose turn it is: from behind the last one that was served, around the end to there again.
SELECT lines.line, t.account_hash, t.turn,
    (SELECT count(*) FROM unnest(%(served)s::int[]) AS s (account_hash) WHERE s.account_hash = t.account_hash) AS served
FROM lines, LATERAL (
    WITH RECURSIVE begun AS MATERIALIZED (
        SELECT coalesce((SELECT at FROM unnest(%(lines)s::int[], %(cursors)s::int[]) AS c (line, at)
                         WHERE c.line = lines.line), %(start)s::int) AS at
    ), t AS (
        SELECT at AS account_hash, false AS around, 0 AS turn FROM begun
        UNION ALL
        SELECT n.next, n.around, t.turn + 1 FROM begun, t, LATERAL (
            SELECT coalesce(ahead, CASE WHEN NOT t.around THEN (
                SELECT account_hash FROM idempotency_record AS r WHERE r.queue = %(queue)s AND r.line = lines.line
                ORDER BY r.account_hash LIMIT 1) END) AS next, t.around OR ahead IS NULL AS around
            FROM (SELECT (SELECT account_hash FROM idempotency_record AS r WHERE r.queue = %(queue)s
                AND r.line = lines.line AND r.account_hash > t.account_hash ORDER BY r.account_hash LIMIT 1) AS ahead OFFSET 0) AS a
            OFFSET 0) AS n
        -- Where accounts may be busy it looks past them, and not for ever.
        WHERE t.turn < (SELECT CASE WHEN by_account THEN 256 ELSE %(accounts)s END FROM gate)
          AND n.next IS NOT NULL AND NOT (n.around AND n.next > begun.at)
    )
    SELECT * FROM t WHERE turn > 0 AND ((SELECT NOT by_account FROM gate) OR (
        SELECT {{account_busy}} FROM idempotency_account AS a, gate
        WHERE a.queue = %(queue)s AND a.account_hash = t.account_hash) IS NOT TRUE) LIMIT %(accounts)s
) AS t
