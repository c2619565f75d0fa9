"""When a job that failed transiently runs again."""

import random
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from django.core.exceptions import ImproperlyConfigured

DOUBLINGS = 64  # a microsecond doubled so often is longer than any timedelta: the cap always comes first


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """Exponential backoff with jitter.

    Args:
        max_attempts: the first run included, so 9 means 8 retries.
        base: the longest wait before the second attempt; each further one doubles it.
        cap: the longest wait of all.
        jitter: "full" draws evenly between nothing and that wait, so that jobs which failed together do not come
            back together; "none" waits the whole of it.
    """

    max_attempts: int = 9
    base: timedelta = timedelta(seconds=2)
    cap: timedelta = timedelta(minutes=15)
    jitter: Literal["full", "none"] = "full"

    def __post_init__(self) -> None:
        if self.max_attempts < 1:
            raise ImproperlyConfigured(f"RetryPolicy: max_attempts is {self.max_attempts}; the first run is one.")
        if not timedelta(0) < self.base <= self.cap:
            raise ImproperlyConfigured(
                f"RetryPolicy: base ({self.base}) must be above 0 and not above cap ({self.cap})."
            )
        if self.jitter not in ("full", "none"):
            raise ImproperlyConfigured(f"RetryPolicy: jitter is {self.jitter!r}; choose 'full' or 'none'.")

    def ceiling(self, attempt: int) -> timedelta:
        """The longest wait after attempt number `attempt` (from 1)."""
        doubled = int(2 ** min(attempt - 1, DOUBLINGS))
        return self.base * doubled if doubled <= self.cap / self.base else self.cap

    def delay(self, attempt: int) -> timedelta:
        """The wait after attempt number `attempt` (from 1), drawn anew at each call."""
        ceiling = self.ceiling(attempt)
        return ceiling if self.jitter == "none" else ceiling * random.random()  # noqa: S311 - no secret
