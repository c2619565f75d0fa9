"""The snapshot: all gauges, read at most every quarter of a minute and kept in one row.

Whoever asks, any number of exporters, watches and pages, is told the same values, and the records are asked once.
"""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from idempotency import reads
from idempotency.statements import loads
from jobs import conf
from jobs.metrics import gauges
from jobs.metrics.samples import Sample, from_json, sample

LONGEST = "5s"  # of one statement: monitoring must not be what weighs down the database

FIND = """
SELECT taken_at, samples, taken_at > statement_timestamp() - %(fresh)s::interval FROM jobs_snapshot WHERE id = 1
"""
KEPT = """
SELECT statement_timestamp(), taken_at, samples FROM (SELECT) AS always
LEFT JOIN jobs_snapshot ON id = 1 AND taken_at > statement_timestamp() - %(within)s::interval
"""
KEEP = """
INSERT INTO jobs_snapshot AS s (id, taken_at, took, samples)
VALUES (1, %(taken_at)s, %(took)s, %(samples)s::jsonb)
ON CONFLICT (id) DO UPDATE SET taken_at = excluded.taken_at, took = excluded.took, samples = excluded.samples
WHERE s.taken_at < excluded.taken_at
"""
LOCK = "SELECT pg_try_advisory_xact_lock(hashtextextended('jobs snapshot', 0))"


@dataclass(frozen=True, slots=True)
class Snapshot:
    taken_at: datetime
    samples: Sequence[Sample]

    def value(self, metric: str, **labels: str) -> float | None:
        """The value of one series; None where it is not there."""
        wanted = tuple(sorted(labels.items()))
        return next((s.value for s in self.samples if s.metric == metric and s.labels == wanted), None)


def newest(connection: Any, *, fresh: timedelta | None = None) -> Snapshot:
    """The kept snapshot where it is fresh, else a new one. One reads, the others are told what was known before."""
    kept, is_fresh = _find(connection, conf.snapshot_every() if fresh is None else fresh)
    if kept and is_fresh:
        return kept
    return _take(connection, waiting=kept is None) or kept or newest(connection, fresh=fresh)


def kept(connection: Any, *, within: timedelta) -> tuple[datetime, Snapshot | None]:
    """The database's time, and what was read last where that is no longer ago; takes none, whoever asks."""
    with connection.cursor() as cursor:
        cursor.execute(KEPT, {"within": within})
        now, taken_at, samples = cursor.fetchone()
    return now, Snapshot(taken_at, from_json(loads(samples) or ())) if taken_at else None


def _find(connection: Any, fresh: timedelta) -> tuple[Snapshot | None, bool]:
    with connection.cursor() as cursor:
        cursor.execute(FIND, {"fresh": fresh})
        row = cursor.fetchone()
    return (Snapshot(row[0], from_json(loads(row[1]) or ())), row[2]) if row else (None, False)


def _take(connection: Any, *, waiting: bool) -> Snapshot | None:
    """Read everything and keep it; None where another one is at it."""
    with _in_transaction(connection), connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL statement_timeout = '{LONGEST}'")
        cursor.execute(LOCK.replace("try_", "") if waiting else LOCK)
        if cursor.fetchone()[0] is False:
            return None
        began, taken_at = time.monotonic(), reads.now(connection)
        samples = gauges.read(connection, taken_at)
        took = time.monotonic() - began
        samples.append(sample("jobs_snapshot_duration_seconds", took))
        told = json.dumps([s.as_json() for s in samples])
        cursor.execute(KEEP, {"taken_at": taken_at, "took": took, "samples": told})
    return Snapshot(taken_at, samples)


def _in_transaction(connection: Any) -> Any:
    return connection.transaction() if hasattr(connection, "transaction") else transaction.atomic()
