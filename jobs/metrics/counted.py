"""The counters that a relay adds to when it counts a minute: what came, what ended and how, and how long that took."""

from datetime import datetime
from typing import Any

from jobs.metrics import end_to_end, measuring
from jobs.metrics.catalogue.words import FAILED, GIVEN_UP
from jobs.metrics.measuring import Sums

ENDS = ("succeeded", *GIVEN_UP)

MINUTES = """
SELECT queue, sum(enqueued)::bigint, sum(missed)::bigint, sum(succeeded)::bigint, sum(failed_permanent)::bigint,
    sum(dead_lettered)::bigint
FROM jobs_minute WHERE minute >= %(since)s AND minute < %(until)s GROUP BY queue
"""
ATTEMPTS = """
SELECT r.queue, a.outcome, count(*) FROM idempotency_attempt AS a JOIN idempotency_record AS r ON r.id = a.record_id
WHERE a.finished_at >= %(since)s AND a.finished_at < %(until)s AND a.outcome = ANY(%(arrows)s::text[]) GROUP BY 1, 2
"""


def add(connection: Any, queues: list[str], since: datetime, until: datetime) -> None:
    """Add the minutes of this span. In the transaction that counts them: so everything counts once."""
    sums, span = Sums(), {"since": since, "until": until}
    for queue, enqueued, missed, *ended in connection.execute(MINUTES, span).fetchall():
        _count(sums, "jobs_enqueued_total", enqueued, queue)
        _count(sums, "jobs_missed_total", missed, queue)
        for state, jobs in zip(ENDS, ended, strict=True):
            _count(sums, "jobs_ended_total", jobs, queue, state)
    for queue, arrow, attempts in connection.execute(ATTEMPTS, span | {"arrows": list(FAILED)}).fetchall():
        if queue in queues:
            _count(sums, "jobs_failed_attempts_total", attempts, queue, arrow)
    end_to_end.add(connection, sums, queues, since, until)
    if sums.entries:
        measuring.add(connection, sums)


def _count(sums: Sums, name: str, times: int, *labels: str) -> None:
    if times:
        sums.count(name, *labels, times=times)
