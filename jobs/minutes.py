"""What happened in each minute, per queue: counted once by the relay, kept for a week, drawn by the overview.

A minute is counted when it is over, from what ended in it. The counts of past minutes can be made up for at any time
and are; how deep a queue was at the end of one cannot, so that is empty where nobody looked.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from jobs import registry

EVERY = 10.0  # seconds between two looks whether a minute is over: four of five find none, and cost a probe
SETTLED = timedelta(seconds=5)  # after its end: by then the statements that began in it are committed
BACK = timedelta(days=1)  # how far back is made up for after an outage: what the charts show
AT_ONCE = timedelta(minutes=10)  # counted in one go: hints wait no longer than that takes
KEPT = timedelta(days=7)  # longer histories belong in a monitoring system
DEEPEST = 100_000  # jobs counted in a queue; beyond it the number tells nobody more

DUE = """
SELECT since, least(since + %(at_once)s::interval, newest), newest
FROM (SELECT date_trunc('minute', statement_timestamp() - %(settled)s::interval) AS newest) AS n,
    LATERAL (SELECT greatest((SELECT max(minute) FROM jobs_minute) + interval '1 minute',
                             newest - %(back)s::interval) AS since) AS s
WHERE since < newest AND pg_try_advisory_xact_lock(hashtextextended('jobs minutes', 0))
"""
COUNT = """
WITH standing AS MATERIALIZED (
    SELECT q.queue AS of_queue, lined.*, workers.* FROM unnest(%(queues)s::text[]) AS q (queue),
    LATERAL (
        -- 95 of 100 have waited no longer than the one that only 5 of 100 have waited longer than.
        SELECT count(*) AS depth, coalesce(extract(epoch FROM statement_timestamp()
            - percentile_disc(0.05) WITHIN GROUP (ORDER BY available_at)), 0) AS age
        FROM (SELECT available_at FROM idempotency_record WHERE queue = q.queue AND line IS NOT NULL
              ORDER BY line, account_hash, available_at LIMIT %(deepest)s) AS waiting
    ) AS lined, LATERAL (
        SELECT coalesce(sum(busy), 0) AS busy, coalesce(sum(slots), 0) AS slots FROM jobs_worker
        WHERE queues ? q.queue AND seen_at > statement_timestamp() - %(alive)s::interval
    ) AS workers
    WHERE %(is_newest)s
), came AS (
    SELECT date_trunc('minute', created_at) AS minute, queue, count(*) AS enqueued FROM idempotency_record
    WHERE created_at >= %(since)s AND created_at < %(until)s GROUP BY 1, 2
), ended AS (
    SELECT date_trunc('minute', finished_at) AS minute, queue, count(*) FILTER (WHERE state = 'succeeded') AS succeeded,
        count(*) FILTER (WHERE state = 'failed_permanent') AS failed_permanent,
        count(*) FILTER (WHERE state = 'dead_lettered') AS dead_lettered
    FROM idempotency_record WHERE finished_at >= %(since)s AND finished_at < %(until)s GROUP BY 1, 2
), again AS (
    -- An attempt that was the last one is no retry: its record has ended under the same token.
    SELECT date_trunc('minute', a.finished_at) AS minute, r.queue, count(*) AS retried
    FROM idempotency_attempt AS a JOIN idempotency_record AS r ON r.id = a.record_id
    WHERE a.finished_at >= %(since)s AND a.finished_at < %(until)s AND a.outcome IN ('retry', 'reap')
      AND (r.finished_at IS NULL OR r.fencing_token > a.fencing_token) GROUP BY 1, 2
)
INSERT INTO jobs_minute
    (minute, queue, enqueued, succeeded, failed_permanent, dead_lettered, retried, depth, age, busy, slots)
SELECT minute, queue, coalesce(enqueued, 0), coalesce(succeeded, 0), coalesce(failed_permanent, 0),
    coalesce(dead_lettered, 0), coalesce(retried, 0), depth, age, busy, slots
FROM generate_series(%(since)s, %(until)s - interval '1 minute', interval '1 minute') AS m (minute)
CROSS JOIN unnest(%(queues)s::text[]) AS q (queue)
LEFT JOIN came USING (minute, queue) LEFT JOIN ended USING (minute, queue) LEFT JOIN again USING (minute, queue)
LEFT JOIN standing ON of_queue = queue AND minute = %(until)s - interval '1 minute'
ON CONFLICT DO NOTHING
"""
FORGET = "DELETE FROM jobs_minute WHERE minute < statement_timestamp() - %(kept)s::interval"


def count(connection: Any, queues: Sequence[str]) -> bool:
    """Count the minutes that are over and that nobody has counted; True where more are left than fit in one go.

    Any number of relays may call it: one at a time does the work, and what another one has counted stays as it is.
    """
    with connection.transaction(), connection.cursor() as cursor:
        due = cursor.execute(DUE, {"at_once": AT_ONCE, "settled": SETTLED, "back": BACK}).fetchone()
        if due is None:
            return False
        since, until, newest = due
        cursor.execute(COUNT, parameters(queues) | {"since": since, "until": until, "is_newest": until == newest})
    return bool(until < newest)


def parameters(queues: Sequence[str]) -> dict[str, Any]:
    return {"queues": list(queues), "deepest": DEEPEST, "alive": registry.ALIVE}


def forget(connection: Any) -> None:
    """Delete what is too old for every chart."""
    with connection.cursor() as cursor:
        cursor.execute(FORGET, {"kept": KEPT})
