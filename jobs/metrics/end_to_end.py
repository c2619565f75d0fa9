"""From enqueue to end, of every job: read from the records when the relay counts a minute, so that no job pays."""

from datetime import datetime
from typing import Any

from jobs.metrics.catalogue import metric
from jobs.metrics.measuring import Sums

NAME = "jobs_end_to_end_seconds"

# A replay has begun anew, days after it was enqueued: how long that took was a person's.
ENDED = """
SELECT queue, state, width_bucket(took, %(bounds)s::float8[]), count(*), sum(took) FROM (
    -- A third less than extract(), which makes a numeric of it first.
    SELECT queue, state, date_part('epoch', finished_at - created_at) AS took FROM idempotency_record
    WHERE finished_at >= %(since)s AND finished_at < %(until)s AND replay_count = 0
      AND reason IS DISTINCT FROM 'cancelled') AS ended
WHERE queue = ANY(%(queues)s::text[]) GROUP BY 1, 2, 3
"""


def add(connection: Any, sums: Sums, queues: list[str], since: datetime, until: datetime) -> None:
    """Add what ended in this span to these sums."""
    bounds = [float(bound) for bound in metric(NAME).buckets]
    rows = connection.execute(ENDED, {"bounds": bounds, "since": since, "until": until, "queues": queues}).fetchall()
    for queue, state, bucket, jobs, took in rows:
        buckets = [0] * (len(bounds) + 1)
        buckets[bucket] = jobs
        sums.merge(NAME, (queue, state), jobs, took, buckets)
