"""What happened in each minute, per queue: counted once by the relay, kept for a week, drawn by the overview.

A minute is counted when it is over, from what ended in it. The counts of past minutes can be made up for at any time
and are; how deep a queue was at the end of one cannot, so that is empty where nobody looked.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from idempotency.statements import Connection
from jobs import conf, registry
from jobs.metrics import counted

EVERY = 10.0  # seconds between two looks whether a minute is over: four of five find none, and cost a probe
SETTLED = timedelta(seconds=5)  # after its end: by then the statements that began in it are committed
BACK = timedelta(days=1)  # how far back is made up for after an outage: what the charts show
AT_ONCE = timedelta(minutes=10)  # counted in one go: hints wait no longer than that takes
KEPT = timedelta(days=7)  # longer histories belong in a monitoring system
DEEPEST = 100_000  # jobs counted in a queue; beyond it the number tells nobody more

# Where nothing was counted yet it begins with the first thing that happened: of an empty day each piece would read all
# that is new to the table, which the indexes of these columns know nothing of yet.
DUE = """
SELECT since, least(since + %(at_once)s::interval, newest), newest
FROM (SELECT date_trunc('minute', statement_timestamp() - %(settled)s::interval) AS newest) AS n,
    LATERAL (SELECT newest - %(back)s::interval AS oldest) AS o,
    LATERAL (SELECT greatest(oldest, coalesce((SELECT max(minute) FROM jobs_minute) + interval '1 minute', least(
        date_trunc('minute', least((SELECT min(created_at) FROM idempotency_record WHERE created_at >= oldest),
                                   (SELECT min(finished_at) FROM idempotency_record WHERE finished_at >= oldest),
                                   (SELECT min(finished_at) FROM idempotency_attempt WHERE finished_at >= oldest))),
        newest - interval '1 minute'))) AS since) AS s
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
        WHERE queues ? q.queue AND seen_at > statement_timestamp() - %(alive)s::interval AND draining_at IS NULL
    ) AS workers
    WHERE %(is_newest)s
), came AS (
    SELECT date_trunc('minute', created_at) AS minute, queue, count(*) AS enqueued FROM idempotency_record
    WHERE created_at >= %(since)s AND created_at < %(until)s GROUP BY 1, 2
), ended AS (
    SELECT date_trunc('minute', finished_at) AS minute, queue, count(*) FILTER (WHERE state = 'succeeded') AS succeeded,
        count(*) FILTER (WHERE state = 'failed_permanent') AS failed_permanent,
        count(*) FILTER (WHERE state = 'dead_lettered') AS dead_lettered,
        count(*) FILTER (WHERE CASE WHEN state <> 'succeeded' THEN reason <> 'cancelled' ELSE finished_at - coalesce(
            CASE WHEN attempt + given_back > 1 THEN (
                -- Who was tried again has been due since the first attempt; a replay has begun anew.
                SELECT min(started_at) FROM idempotency_attempt AS a WHERE a.record_id = r.id
                    AND a.fencing_token > r.fencing_token - r.attempt - r.given_back) END, available_at) > deadline
            END) AS missed
    FROM idempotency_record AS r
    JOIN unnest(%(queues)s::text[], %(deadlines)s::interval[]) AS q (of_queue, deadline) ON of_queue = queue
    WHERE finished_at >= %(since)s AND finished_at < %(until)s GROUP BY 1, 2
), again AS (
    -- An attempt that was the last one is no retry: its record has ended under the same token.
    SELECT date_trunc('minute', a.finished_at) AS minute, r.queue, count(*) AS retried
    FROM idempotency_attempt AS a JOIN idempotency_record AS r ON r.id = a.record_id
    WHERE a.finished_at >= %(since)s AND a.finished_at < %(until)s AND a.outcome IN ('retry', 'reap')
      AND (r.finished_at IS NULL OR r.fencing_token > a.fencing_token) GROUP BY 1, 2
)
INSERT INTO jobs_minute
    (minute, queue, enqueued, succeeded, failed_permanent, dead_lettered, retried, missed, depth, age, busy, slots)
SELECT minute, queue, coalesce(enqueued, 0), coalesce(succeeded, 0), coalesce(failed_permanent, 0),
    coalesce(dead_lettered, 0), coalesce(retried, 0), coalesce(missed, 0), depth, age, busy, slots
FROM generate_series(%(since)s, %(until)s - interval '1 minute', interval '1 minute') AS m (minute)
CROSS JOIN unnest(%(queues)s::text[]) AS q (queue)
LEFT JOIN came USING (minute, queue) LEFT JOIN ended USING (minute, queue) LEFT JOIN again USING (minute, queue)
LEFT JOIN standing ON of_queue = queue AND minute = %(until)s - interval '1 minute'
ON CONFLICT DO NOTHING
"""
BAR = timedelta(minutes=15)
BARS = 96  # a day
HISTORY = """
SELECT bar, sum(enqueued), sum(succeeded), sum(failed_permanent), sum(dead_lettered), sum(retried),
    max(depth), max(age), sum(busy), sum(slots)
FROM (
    SELECT date_bin(%(bar)s, minute, 'epoch') AS bar, sum(enqueued) AS enqueued, sum(succeeded) AS succeeded,
        sum(failed_permanent) AS failed_permanent, sum(dead_lettered) AS dead_lettered, sum(retried) AS retried,
        sum(depth) AS depth, max(age) AS age, sum(busy) AS busy, sum(slots) AS slots
    FROM jobs_minute WHERE minute >= %(since)s GROUP BY minute
) AS minutes GROUP BY bar
"""
LATELY = """
SELECT queue, sum(enqueued), sum(succeeded), sum(failed_permanent), sum(dead_lettered), sum(retried),
    count(*) FILTER (WHERE recent), sum(enqueued) FILTER (WHERE recent),
    sum(succeeded + failed_permanent + dead_lettered) FILTER (WHERE recent), max(minute),
    (array_agg(age ORDER BY minute DESC))[1]
FROM (SELECT *, minute >= %(at)s - interval '6 minutes' AS recent FROM jobs_minute
      WHERE minute >= %(at)s - interval '62 minutes') AS hour GROUP BY queue
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
        counted.add(connection, list(queues), since, until)
    return bool(until < newest)


def parameters(queues: Sequence[str]) -> dict[str, Any]:
    return {
        "queues": list(queues),
        "deadlines": [conf.deadline(q) for q in queues],
        "deepest": DEEPEST,
        "alive": registry.ALIVE,
    }


def forget(connection: Any) -> None:
    """Delete what is too old for every chart."""
    with connection.cursor() as cursor:
        cursor.execute(FORGET, {"kept": KEPT})


# -- what the overview asks -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Counts:
    """What happened in a span of time."""

    enqueued: int = 0
    succeeded: int = 0
    failed_permanent: int = 0
    dead_lettered: int = 0
    retried: int = 0

    @property
    def ended(self) -> int:
        return self.succeeded + self.failed_permanent + self.dead_lettered

    @property
    def success(self) -> float | None:
        """The share of what ended; None where nothing did."""
        return self.succeeded / self.ended if self.ended else None

    @property
    def retry(self) -> float | None:
        """The share of attempts that had to be made again; None where there were none."""
        attempts = self.ended + self.retried
        return self.retried / attempts if attempts else None


@dataclass(frozen=True, slots=True)
class Bar:
    """A quarter of an hour of all queues together; the deepest and the longest wait of it, None where nobody looked."""

    start: datetime
    counts: Counts = Counts()
    depth: int | None = None
    age: float | None = None
    saturation: float | None = None


@dataclass(frozen=True, slots=True)
class Lately:
    """The last hour of one queue, and of its last minutes what came and went in each."""

    counts: Counts
    came: float | None
    went: float | None
    newest: datetime
    age: float | None


def history(connection: Connection, at: datetime) -> list[Bar]:
    """The day before `at`, oldest first; a bar of which nothing was counted is there too, and empty."""
    newest = datetime.fromtimestamp(at.timestamp() // BAR.total_seconds() * BAR.total_seconds(), UTC)
    starts = [newest - BAR * n for n in reversed(range(BARS))]
    with connection.cursor() as cursor:
        cursor.execute(HISTORY, {"bar": BAR, "since": starts[0]})
        found = {bar.start: bar for bar in map(_bar, cursor.fetchall())}
    return [found.get(start) or Bar(start) for start in starts]


def _bar(row: Sequence[Any]) -> Bar:
    start, *counts, depth, age, busy, slots = row
    return Bar(start, Counts(*map(int, counts)), depth and int(depth), age, float(busy / slots) if slots else None)


def lately(connection: Connection, at: datetime) -> dict[str, Lately]:
    """By queue; one of which nothing was counted for an hour is not there."""
    with connection.cursor() as cursor:
        cursor.execute(LATELY, {"at": at})
        return {row[0]: _lately(row) for row in cursor.fetchall()}


def _lately(row: Sequence[Any]) -> Lately:
    _, *counts, recent, came, went, newest, age = row
    a_minute = [float(n) / recent if recent else None for n in (came, went)]
    return Lately(Counts(*map(int, counts)), a_minute[0], a_minute[1], newest, age)
