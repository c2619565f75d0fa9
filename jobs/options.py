"""What one call may say beyond its parameters."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from idempotency.errors import EnqueueError

PRIORITIES = range(-100, 101)  # as django.tasks has them
FARTHEST = timedelta(days=3653)  # ten years: a later date is a mistake in the arithmetic


@dataclass(frozen=True, slots=True)
class Options:
    """What one call may say beyond its parameters.

    Args:
        queue: another declared queue than the task's own.
        run_after: an aware moment before which nobody claims it.
        delay: the same as a span from now.
        priority: another than the task's own, from -100 to 100.
        id: the record's id, where Celery's canvas has chosen one.
        canvas: what Celery's canvas attached: chain, links, parent and root id.
        key: what makes it the same work, in place of the task's own key; for ever.
    """

    queue: str | None = None
    run_after: datetime | None = None
    delay: timedelta = timedelta(0)
    priority: int | None = None
    id: UUID | None = None
    canvas: Mapping[str, Any] | None = None
    key: UUID | None = None

    def __post_init__(self) -> None:
        _check_moment(self.run_after)
        if not isinstance(self.delay, timedelta):
            raise EnqueueError(f"delay is {self.delay!r}; say its unit: timedelta(seconds=…).")
        if self.delay < timedelta(0):
            raise EnqueueError(f"delay is {self.delay}; a job cannot run in the past. Leave it out to run now.")
        check_priority(self.priority)
        if self.delay > FARTHEST:
            raise EnqueueError(f"delay is {self.delay}, over ten years. Check the unit.")


def check_priority(priority: object) -> None:
    """Raises EnqueueError where it is none."""
    if priority is not None and (type(priority) is not int or priority not in PRIORITIES):
        raise EnqueueError(f"priority is {priority!r}; it must be a whole number from -100 to 100.")


def _check_moment(moment: datetime | None) -> None:
    if moment is None:
        return
    if not isinstance(moment, datetime):
        raise EnqueueError(f"run_after is {moment!r}, not a datetime. Parse it first.")
    if moment.tzinfo is None:
        raise EnqueueError(f"run_after is {moment!r}, without a time zone. Use timezone.make_aware(…).")
    if moment - datetime.now(UTC) > FARTHEST:
        raise EnqueueError(f"run_after is {moment}, over ten years ahead. Check the year.")
