"""One moment of all queues, vendors, workers and schedules, read in ten statements whatever the history."""

import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import Count, Q

from idempotency import reads
from idempotency.reads import Gate, Live
from jobs import conf, minutes, registry
from jobs.metrics import snapshot as metrics
from jobs.metrics import watching
from jobs.metrics.watching import Held
from jobs.minutes import Bar, Counts, Lately
from jobs.models import BulkReplay, Mark, Worker
from jobs.overview import schedules
from jobs.overview.schedules import Planned

COUNTED = 100_000  # jobs of a kind in a queue; the page says so where there are more
METRICS_OF = timedelta(minutes=1)  # older ones say what was
DEAD_PER_HOUR = 20  # dead letters above which somebody has to look
BUSY = ("awaiting_approval", "canary", "running", "paused")  # bulk replays that are not over


@dataclass(frozen=True, slots=True)
class QueueNow:
    """One queue: what it holds, what restrains it, who serves it, and how it went lately."""

    live: Live
    gate: Gate | None
    lately: Lately | None
    workers: int
    slots: int
    busy: int
    latency: float | None = None  # seconds: 95 % of its vendor's calls of the last 15 minutes took no longer

    @property
    def name(self) -> str:
        return self.live.queue

    @property
    def options(self) -> Any:
        return conf.queues().get(self.name, {})

    @property
    def target(self) -> timedelta | None:
        found: timedelta | None = self.options.get("latency_target")
        return found

    @property
    def paused(self) -> bool:
        return self.gate is not None and self.gate.paused

    @property
    def state(self) -> str:
        """In one word."""
        gate = self.gate
        if gate is None:
            return "open"
        return "paused" if gate.paused else "probing" if gate.probing else "ramping" if gate.ramping else "open"

    @property
    def is_late(self) -> bool:
        oldest, target = self.live.oldest, self.target
        return self.state == "open" and bool(oldest and target) and oldest > target.total_seconds()  # type: ignore[operator,union-attr]

    @property
    def is_unserved(self) -> bool:
        return bool(self.live.due) and not self.workers and not self.paused

    @property
    def drains_in(self) -> float | None:
        """Seconds until what is due is done, at the pace of the last minutes; None where nothing goes."""
        went = self.lately.went if self.lately else None
        return 60 * self.live.due / went if went and self.live.due and not self.paused else None


@dataclass(frozen=True, slots=True)
class WorkerNow:
    """A worker as it last reported.

    `draining`: it was told to stop, takes nothing more, and finishes what it runs. Where it is neither that nor `alive`
    it has fallen silent without saying goodbye.
    """

    name: str
    queues: list[str]
    busy: int
    slots: int
    since: datetime
    seen: datetime
    alive: bool
    draining: bool
    version: str  # empty of a worker of an older release


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything that the page shows."""

    at: datetime
    queues: list[QueueNow]
    workers: list[WorkerNow]
    bars: list[Bar]
    marks: list[Mark]
    planned: list[Planned]
    bulk: list[Any]
    dead_lately: int
    waiting_for_people: int
    hour: Counts = field(default_factory=Counts)
    age: float | None = None  # the longest of the queues' 95 % waits, in the newest minute
    counted: datetime | None = None  # the newest minute that a relay has counted
    holds: list[Held] = field(default_factory=list)  # alerts' conditions, where somebody reads the metrics
    took: float = 0.0  # seconds

    @property
    def depth(self) -> int:
        return sum(queue.live.due for queue in self.queues)

    @property
    def oldest(self) -> float | None:
        return max((queue.live.oldest for queue in self.queues if queue.live.oldest is not None), default=None)

    @property
    def slots(self) -> int:
        return sum(worker.slots for worker in self.workers if worker.alive)

    @property
    def busy(self) -> int:
        return sum(worker.busy for worker in self.workers if worker.alive)

    @property
    def saturation(self) -> float | None:
        return self.busy / self.slots if self.slots else None

    @property
    def vendors(self) -> list[QueueNow]:
        return [queue for queue in self.queues if queue.gate and queue.gate.vendor]

    @property
    def alive(self) -> list[WorkerNow]:
        return [worker for worker in self.workers if worker.alive]


def take() -> Snapshot:
    """Ask for all of it, now."""
    began, names = time.perf_counter(), list(conf.queues())
    # An overview takes no metrics of its own, which would ask for all queues once more.
    at, known = metrics.kept(connection, within=METRICS_OF)
    gates, recent = reads.gates(connection, names), minutes.lately(connection, at)
    workers = _workers(at)
    lately, unresolved = reads.given_up(connection, cap=COUNTED)
    return Snapshot(
        at=at,
        queues=[
            _queue(live, gates.get(live.queue), recent.get(live.queue), workers, known)
            for live in reads.live(connection, names, cap=COUNTED)
        ],
        workers=workers,
        bars=minutes.history(connection, at),
        marks=list(Mark.objects.filter(at__gt=at - minutes.BAR * minutes.BARS).order_by("at")),
        planned=schedules.planned(at),
        bulk=_bulk(),
        dead_lately=lately,
        waiting_for_people=unresolved,
        **_together(recent, at),
        holds=watching.held(known.samples, at.timestamp()) if known else [],
        took=time.perf_counter() - began,
    )


def _queue(
    live: Live, gate: Gate | None, lately: Lately | None, workers: list[WorkerNow], known: metrics.Snapshot | None
) -> QueueNow:
    serving = [w for w in workers if w.alive and live.queue in w.queues]
    slots, busy = sum(w.slots for w in serving), sum(w.busy for w in serving)
    vendor = gate.vendor if gate else None
    latency = known.value("jobs_vendor_latency_seconds", vendor=vendor, quantile="0.95") if known and vendor else None
    return QueueNow(live, gate, lately, len(serving), slots, busy, latency)


def _workers(at: datetime) -> list[WorkerNow]:
    """The living first, then those that finish what they run."""
    found = [_worker(w, at - registry.ALIVE) for w in Worker.objects.order_by("name").defer("tasks")]
    return sorted(found, key=lambda worker: (not worker.alive, not worker.draining))


def _worker(w: Worker, silent_since: datetime) -> WorkerNow:
    seen = w.draining_at or w.seen_at
    heard, version = seen > silent_since, w.build.get("version", "")
    return WorkerNow(
        w.name, w.queues, w.busy, w.slots, w.started_at, seen,
        alive=heard and w.draining_at is None, draining=heard and w.draining_at is not None, version=version,
    )  # fmt: skip


def _bulk() -> list[Any]:
    left = Count("items", filter=Q(items__answer__isnull=True))
    return list(BulkReplay.objects.filter(state__in=BUSY).annotate(left=left).order_by("-pk")[:10])


def _together(recent: dict[str, Lately], at: datetime) -> dict[str, Any]:
    """All queues' last hour, and what the newest minute says of waiting."""
    names = Counts.__slots__
    hour = Counts(*(sum(getattr(lately.counts, name) for lately in recent.values()) for name in names))
    counted = max((lately.newest for lately in recent.values()), default=None)
    fresh = counted is not None and counted > at - timedelta(minutes=3)
    ages = [lately.age for lately in recent.values() if lately.age is not None and lately.newest == counted]
    return {"hour": hour, "counted": counted, "age": max(ages, default=None) if fresh else None}
