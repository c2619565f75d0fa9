"""What `manage.py check` says of tasks and settings, each with its remedy."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register  # noqa: A004 - Django's own word

from jobs import conf
from jobs.task import IdempotentTask, registered


@register
def check_jobs(**_: Any) -> list[CheckMessage]:
    """Everything this package can know before a job runs."""
    tasks = sorted(registered().values(), key=lambda t: t.name)
    return [*_database(), *_queues(tasks), *_vendors(tasks), *_limits(tasks)]


def _database() -> Iterator[CheckMessage]:
    engine = settings.DATABASES["default"]["ENGINE"]
    if not any(word in engine for word in ("postgresql", "postgis")):
        yield Error(f"The default database is {engine}.", hint="Records need PostgreSQL 14 or newer.", id="jobs.E001")


def _queues(tasks: list[type[IdempotentTask]]) -> Iterator[CheckMessage]:
    for task in tasks:
        if task.queue not in conf.queues():
            yield Error(
                f"{task.name}: queue {task.queue!r} is not declared.", hint="Add it to JOBS_QUEUES.", id="jobs.E002"
            )


def _vendors(tasks: list[type[IdempotentTask]]) -> Iterator[CheckMessage]:
    """A vendor's pause stops its queue, so nobody else's work may wait in it."""
    by_queue = defaultdict(set)
    for task in tasks:
        by_queue[task.queue].add(task.vendor)
    for queue, vendors in sorted(by_queue.items()):
        if len(vendors) > 1:
            names = ", ".join(sorted(v or "no vendor" for v in vendors))
            yield Error(
                f"Queue {queue!r} is shared by tasks of {names}.",
                hint="A pause of one would stop all. Give each vendor a queue of its own.",
                id="jobs.E003",
            )


def _limits(tasks: list[type[IdempotentTask]]) -> Iterator[CheckMessage]:
    for task in tasks:
        soft, hard = task.limits()
        if soft and hard and soft >= hard:
            yield Error(
                f"{task.name}: soft_time_limit ({soft:g} s) is not below time_limit ({hard:g} s).",
                hint="Leave the body time to clean up between the two.",
                id="jobs.E004",
            )
    lease = conf.lease().total_seconds()
    above = [t.name for t in tasks if (t.limits()[1] or lease + 1) > lease]
    if above:
        yield Warning(
            f"The time_limit of {', '.join(above)} is above the lease ({lease:g} s), or there is none.",
            hint="Code that holds the interpreter's lock past the lease loses its job to another worker. "
            "Raise JOBS_LEASE or lower time_limit.",
            id="jobs.W005",
        )
