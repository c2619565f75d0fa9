"""The first line of the overview: whether all is well, and if not, what is the matter, in words."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone

from jobs import conf
from jobs.overview.snapshot import COUNTED, DEAD_PER_HOUR, QueueNow, Snapshot
from jobs.words import span

SILENT = timedelta(minutes=3)  # after which no relay can be at work: it counts every minute
RED, AMBER = "red", "amber"
KINDS = {"rate_limit": "its vendor asked for it", "refused": "its vendor refuses us", "circuit": "its vendor fails"}


@dataclass(frozen=True, slots=True)
class Trouble:
    """One thing that somebody should know. Red wants a person now, amber is told."""

    level: str
    sentence: str
    queue: str | None = None  # whose row on the page tells more


def troubles(now: Snapshot) -> list[Trouble]:
    """What is the matter, the worst first; nothing where all is well."""
    found = [*_relay(now), *_dead_letters(now)]
    for queue in now.queues:
        found += _queue(queue)
    return sorted(found, key=lambda trouble: trouble.level != RED)


def calm(now: Snapshot) -> str:
    """What there is to say besides."""
    if not now.depth:
        waiting = "No job waits"
    else:
        waiting = f"{jobs(now.depth)} {'waits' if now.depth == 1 else 'wait'}, the oldest for {span(now.oldest)}"
    if not now.slots:
        return f"{waiting}; no worker is alive."
    return f"{waiting}; {now.busy} of {now.slots} worker slots {'is' if now.slots == 1 else 'are'} busy."


def jobs(count: int) -> str:
    more = " or more" if count >= COUNTED else ""
    return f"{count:,}{more} {'job' if count == 1 else 'jobs'}"


def clock(moment: datetime | None) -> str:
    """The time of the day, with the date where it is not today's."""
    if moment is None:
        return "-"
    local = timezone.localtime(moment)
    today = local.date() == timezone.localdate()
    return f"{local:%H:%M}" if today else f"{local:%Y-%m-%d %H:%M}"


def _relay(now: Snapshot) -> Iterator[Trouble]:
    if now.counted is None:
        yield Trouble(RED, "No relay has been at work for an hour. Is `manage.py jobs relay` running?")
    elif now.at - now.counted > SILENT + timedelta(minutes=1):
        since = clock(now.counted + timedelta(minutes=1))
        yield Trouble(RED, f"No relay has been at work since {since}. Is `manage.py jobs relay` running?")


def _dead_letters(now: Snapshot) -> Iterator[Trouble]:
    if now.dead_lately > DEAD_PER_HOUR:
        yield Trouble(
            RED,
            f"{jobs(now.dead_lately)} were dead-lettered in the last hour, more than {DEAD_PER_HOUR}. Look at them.",
        )


def _queue(queue: QueueNow) -> Iterator[Trouble]:
    if queue.paused:
        yield _paused(queue)
    elif queue.is_unserved:
        yield Trouble(RED, f"No worker serves {queue.name}: {_wait(queue)}.", queue.name)
    elif queue.is_late and queue.target:
        oldest = f"its oldest job has waited {span(queue.live.oldest)}"
        critical = queue.options.get("criticality") == conf.CRITICAL
        sentence = f"{queue.name} is late: {oldest}, {span(queue.target)} is its target."
        yield Trouble(RED if critical else AMBER, sentence, queue.name)


def _paused(queue: QueueNow) -> Trouble:
    gate = queue.gate
    assert gate is not None  # noqa: S101 - a queue is paused by its gate
    until = f" until {clock(gate.until)}" if gate.until else ""
    why = KINDS.get(gate.kind) or f"by {gate.by or 'somebody'}"
    lasts = timedelta(seconds=gate.lasts or 0)
    alarming = gate.kind != "operator" and lasts >= conf.pause_alert()
    sentence = f"{queue.name} is paused since {clock(gate.since)}{until}, {why}: {_wait(queue)}."
    return Trouble(RED if alarming else AMBER, sentence, queue.name)


def _wait(queue: QueueNow) -> str:
    due = queue.live.due
    return f"{jobs(due)} {'waits' if due == 1 else 'wait'}" if due else "no job waits"
