-- Which lines anybody stands in: a loose scan, one probe for each.
(SELECT line FROM idempotency_record WHERE queue = %(queue)s AND line IS NOT NULL
    AND (SELECT allowance FROM gate) IS DISTINCT FROM 0 ORDER BY line LIMIT 1)
UNION ALL
SELECT next.line FROM lines, LATERAL (SELECT r.line FROM idempotency_record AS r
    WHERE r.queue = %(queue)s AND r.line > lines.line ORDER BY r.line LIMIT 1) AS next
