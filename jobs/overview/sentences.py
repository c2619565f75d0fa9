"""The first line of the overview: whether all is well, and if not, what is the matter, in words."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone

from jobs import conf
from jobs.metrics.alerts import Severity
from jobs.overview.snapshot import COUNTED, DEAD_PER_HOUR, QueueNow, Snapshot
from jobs.words import span

SILENT = timedelta(minutes=3)  # after which no relay can be at work: it counts every minute
RED, AMBER = "red", "amber"
PAGES = {
    "rate_limit": "vendor-paused",
    "refused": "vendor-refuses-us",
    "circuit": "vendor-paused",
}  # a person's has none
KINDS = {"rate_limit": "its vendor asked for it", "refused": "its vendor refuses us", "circuit": "its vendor fails"}


@dataclass(frozen=True, slots=True)
class Trouble:
    """One thing that somebody should know. Red wants a person now, amber is told."""

    level: str
    sentence: str
    queue: str | None = None  # whose row on the page tells more
    page: str = ""  # the runbook, by its name

    @property
    def runbook(self) -> str:
        return f"{conf.runbooks()}{self.page}.md" if self.page else ""

    @property
    def is_linked(self) -> bool:
        """Whether that is an address; by default it is a file of this project."""
        return self.runbook.startswith(("http://", "https://", "/"))


def troubles(now: Snapshot) -> list[Trouble]:
    """What is the matter, the worst first; nothing where all is well."""
    found = [*_relay(now), *_dead_letters(now)]
    for queue in now.queues:
        found += _queue(queue)
    found += _alerts(now, {(trouble.page, trouble.queue or "") for trouble in found})
    return sorted(found, key=lambda trouble: trouble.level != RED)


def _alerts(now: Snapshot, told: set[tuple[str, str]]) -> Iterator[Trouble]:
    """What else holds, by the metrics. What is to last before anybody is woken is only noted."""
    for held in now.holds:
        queue, page = dict(held.labels).get("queue", ""), held.alert.runbook
        if not {(page, queue), (page, "")} & told:
            urgent = held.alert.severity is Severity.PAGE and not held.alert.lasting
            yield Trouble(RED if urgent else AMBER, held.description(), queue or None, page)


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
        sentence = "No relay has been at work for an hour. Is `manage.py jobs relay` running?"
        yield Trouble(RED, sentence, page="relay-down")
    elif now.at - now.counted > SILENT + timedelta(minutes=1):
        since = clock(now.counted + timedelta(minutes=1))
        sentence = f"No relay has been at work since {since}. Is `manage.py jobs relay` running?"
        yield Trouble(RED, sentence, page="relay-down")


def _dead_letters(now: Snapshot) -> Iterator[Trouble]:
    if now.dead_lately > DEAD_PER_HOUR:
        yield Trouble(
            RED,
            f"{jobs(now.dead_lately)} were dead-lettered in the last hour, more than {DEAD_PER_HOUR}. Look at them.",
            page="dead-letter-surge",
        )


def _queue(queue: QueueNow) -> Iterator[Trouble]:
    if queue.paused:
        yield _paused(queue)
    elif queue.is_unserved:
        yield Trouble(RED, f"No worker serves {queue.name}: {_wait(queue)}.", queue.name, "no-workers")
    elif queue.is_late and queue.target:
        oldest = f"its oldest job has waited {span(queue.live.oldest)}"
        critical = queue.options.get("criticality") == conf.CRITICAL
        sentence = f"{queue.name} is late: {oldest}, {span(queue.target)} is its target."
        page = "critical-jobs-too-old" if critical else "jobs-wait"
        yield Trouble(RED if critical else AMBER, sentence, queue.name, page)


def _paused(queue: QueueNow) -> Trouble:
    gate = queue.gate
    assert gate is not None  # noqa: S101 - a queue is paused by its gate
    until = f" until {clock(gate.until)}" if gate.until else ""
    why = KINDS.get(gate.kind) or f"by {gate.by or 'somebody'}"
    lasts = timedelta(seconds=gate.lasts or 0)
    alarming = gate.kind != "operator" and lasts >= conf.pause_alert()
    sentence = f"{queue.name} is paused since {clock(gate.since)}{until}, {why}: {_wait(queue)}."
    return Trouble(RED if alarming else AMBER, sentence, queue.name, PAGES.get(gate.kind, ""))


def _wait(queue: QueueNow) -> str:
    due = queue.live.due
    return f"{jobs(due)} {'waits' if due == 1 else 'wait'}" if due else "no job waits"
