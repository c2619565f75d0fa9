"""What a retry policy comes to: when each attempt starts if all before it fail."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import accumulate, islice, takewhile
from math import log1p
from statistics import median_low

from jobs.retry import RetryPolicy

ZERO = timedelta(0)


@dataclass(frozen=True, slots=True)
class Range:
    """A span that is drawn: its bounds, and what half of the jobs stay below."""

    earliest: timedelta
    median: timedelta
    latest: timedelta


NOW = Range(ZERO, ZERO, ZERO)


@dataclass(frozen=True, slots=True)
class Planned:
    """One attempt. `in_time`: the share of jobs for which it starts before the deadline; 1.0 without one."""

    attempt: int
    wait: Range  # between the attempt before it and this one
    start: Range  # counted from the first one, without the time that the bodies themselves take
    in_time: float


def plan(policy: RetryPolicy, *, attempts: int, samples: int) -> list[Planned]:
    """The attempts from 1 to `attempts`. Bounds are exact, medians and shares are of `samples` drawn jobs.

    The same arguments give the same plan.
    """
    jobs = [list(islice(policy.waits(seed=f"job {n}"), attempts - 1)) for n in range(samples)]
    shortest = [policy.floor(n) for n in range(1, attempts)]
    longest = [policy.ceiling(n) for n in range(1, attempts)]
    waits = _ranges(shortest, jobs, longest)
    totals = [list(accumulate(job)) for job in jobs]
    starts = _ranges(list(accumulate(shortest)), totals, list(accumulate(longest)))
    shares = [_share(policy.deadline, [job[n] for job in totals]) for n in range(attempts - 1)]
    rows = zip([NOW, *waits], [NOW, *starts], [1.0, *shares], strict=True)
    return [Planned(n, wait, start, share) for n, (wait, start, share) in enumerate(rows, 1)]


def room_within_deadline(policy: RetryPolicy) -> int:
    """How many of its attempts can start in time where every wait is the shortest; all of them without a deadline."""
    if policy.deadline is None or policy.jitter == "full":  # whose shortest wait is none
        return policy.max_attempts
    deadline = policy.deadline
    starts = accumulate(policy.floor(attempt) for attempt in range(1, policy.max_attempts))
    return 1 + sum(1 for _ in takewhile(lambda start: start <= deadline, starts))


def _ranges(low: Sequence[timedelta], drawn: Sequence[Sequence[timedelta]], high: Sequence[timedelta]) -> list[Range]:
    return [Range(a, median_low(job[n] for job in drawn), b) for n, (a, b) in enumerate(zip(low, high, strict=True))]


def _share(deadline: timedelta | None, starts: Sequence[timedelta]) -> float:
    return 1.0 if deadline is None else sum(start <= deadline for start in starts) / len(starts)


MARKS = tuple(timedelta(seconds=s) for s in (
    0.001, 0.01, 0.1, 0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 6 * 3600, 12 * 3600,
    *(days * 86400 for days in (1, 2, 7, 30, 90, 365, 3650, 36500)),
))  # fmt: skip


@dataclass(frozen=True, slots=True)
class Scale:
    """Moments on an axis from 0.0 to 1.0: logarithmic, so that waits that double take equal steps."""

    unit: timedelta
    end: timedelta

    def at(self, moment: timedelta) -> float:
        return log1p(moment / self.unit) / log1p(self.end / self.unit) if self.end else 0.0

    def marks(self, apart: float) -> list[timedelta]:
        """Round moments from 0 to the end, at least so far apart."""
        found = [ZERO]
        for mark in MARKS:
            if mark <= self.end and self.at(mark) - self.at(found[-1]) >= apart:
                found.append(mark)
        return found


def scale(policy: RetryPolicy, planned: Sequence[Planned]) -> Scale:
    """From the first attempt to whatever is last, the deadline included."""
    return Scale(policy.base, max(planned[-1].start.latest, policy.deadline or ZERO))


def shown(span: timedelta) -> str:
    """A span for eyes, in its two largest units: "250 ms", "4.5 s", "2 m 30 s", "1 h 5 m", "3 d 4 h"."""
    seconds = span.total_seconds()
    if seconds < 1:
        return f"{seconds * 1000:.3g} ms" if seconds else "0"
    if seconds < 59.95:  # noqa: PLR2004 - what three digits do not round to a minute
        return f"{seconds:.3g} s"
    whole_seconds = round(seconds)
    large, small, length, part = next(units for units in UNITS if whole_seconds >= units[2])
    whole, rest = divmod(round(whole_seconds / part), length // part)
    return f"{whole} {large} {rest} {small}" if rest else f"{whole} {large}"


UNITS = (("d", "h", 86400, 3600), ("h", "m", 3600, 60), ("m", "s", 60, 1))
