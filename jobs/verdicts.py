"""What may be said of an error, and who may say it."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol, runtime_checkable


@dataclass(frozen=True, slots=True)
class Transient:
    """Worth another attempt. Everything unknown is.

    `by_vendor`: the error speaks of the other side's trouble (it is away, slow, or answers 5xx), not of the body's or
    the database's own. A bug in a body must not look like a vendor's outage.
    """

    by_vendor: bool = False


@dataclass(frozen=True, slots=True)
class RateLimited:
    """The vendor wants us to wait; `wait` None: it did not say how long."""

    wait: timedelta | None


@dataclass(frozen=True, slots=True)
class Permanent:
    """No further attempt can help."""


@dataclass(frozen=True, slots=True)
class Refused:
    """Our credentials are refused."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """The outside effect may have happened; a person has to look."""


Verdict = Transient | RateLimited | Permanent | Refused | Unknown


@runtime_checkable
class Classifier(Protocol):
    """Knows some errors. A task is one, by its method `classify`; `JOBS_CLASSIFIERS` names those for all tasks."""

    def classify(self, error: BaseException) -> Verdict | None:
        """The verdict on an error that left a task's body; None where this classifier does not know it."""
