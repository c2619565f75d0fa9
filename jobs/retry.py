"""When a job that failed transiently runs again, and when it does not."""

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import timedelta
from itertools import count, islice
from typing import Any, Literal, Union

from django.core.exceptions import ImproperlyConfigured

DOUBLINGS = 64  # a microsecond doubled so often is longer than any timedelta: the cap always comes first
MOST_ATTEMPTS = 2**31 - 1  # what the record's column holds
JITTERS = ("full", "decorrelated", "none")

Override = Union["RetryPolicy", Mapping[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """Exponential backoff with jitter.

    Args:
        max_attempts: the first run included, so 9 means 8 retries. A job keeps the number it was enqueued with.
        base: the longest wait before the second attempt; each further one doubles it.
        cap: the longest wait of all.
        jitter: "full" draws evenly between nothing and that wait, so that jobs which failed together do not come
            back together; "decorrelated" draws between `base` and three times the wait before, so that none comes
            back at once; "none" waits the whole of it.
        overrides: by class of error, another policy or a few changed fields (`{"base": timedelta(minutes=1)}`). The
            most specific class wins. An override can lower `max_attempts` and `deadline`, not raise them.
        deadline: counted from when the job was asked for. A retry that would start later is not waited for: the job is
            dead-lettered at once. It ends neither a vendor's pause nor a job that a person replayed.

    Raises:
        ImproperlyConfigured: it makes no sense, with the remedy.
    """

    max_attempts: int = 9
    base: timedelta = timedelta(seconds=2)
    cap: timedelta = timedelta(minutes=15)
    jitter: Literal["full", "decorrelated", "none"] = "full"
    overrides: Mapping[type[BaseException], Override] = field(default_factory=dict, hash=False)
    deadline: timedelta | None = None

    def __post_init__(self) -> None:
        _check_attempts(self.max_attempts)
        _check_spans(self)
        if self.jitter not in JITTERS:
            raise _wrong(f"jitter is {self.jitter!r}; choose one of {', '.join(map(repr, JITTERS))}.")
        for kind, override in self.overrides.items():
            _check_override(self, kind, override)

    def ceiling(self, attempt: int) -> timedelta:
        """The longest wait after attempt number `attempt` (from 1)."""
        grown = 3 ** min(attempt, DOUBLINGS) if self.jitter == "decorrelated" else 2 ** min(attempt - 1, DOUBLINGS)
        return self.base * int(grown) if grown <= self.cap / self.base else self.cap

    def floor(self, attempt: int) -> timedelta:
        """The shortest wait after attempt number `attempt` (from 1)."""
        match self.jitter:
            case "none":
                return self.ceiling(attempt)
            case "decorrelated":
                return self.base
            case _:
                return timedelta(0)

    def delay(self, attempt: int, *, seed: object = None) -> timedelta:
        """The wait after attempt number `attempt` (from 1).

        Args:
            attempt: the one that failed.
            seed: the job's id. "decorrelated" needs each wait for the next one, and none is stored: a generator seeded
                with the id draws the same chain in every worker, and another one for every other job, which is all
                that jitter is for. "full" is drawn anew at each call.
        """
        if self.jitter == "decorrelated":
            return next(islice(self.waits(seed=seed), attempt - 1, None))
        ceiling = self.ceiling(attempt)
        return ceiling if self.jitter == "none" else ceiling * random.random()  # noqa: S311 - no secret

    def waits(self, *, seed: object = None) -> Iterator[timedelta]:
        """The waits after attempts 1, 2, 3, … of one job, without end; the same ones for the same seed."""
        drawn = random.Random(None if seed is None else str(seed))  # noqa: S311 - no secret
        base, cap = self.base.total_seconds(), self.cap.total_seconds()
        before = base
        for attempt in count(1):
            match self.jitter:
                case "none":
                    yield self.ceiling(attempt)
                case "decorrelated":
                    before = min(cap, drawn.uniform(base, 3 * before))
                    yield min(self.cap, max(self.base, timedelta(seconds=before)))
                case _:
                    yield self.ceiling(attempt) * drawn.random()

    def on(self, error: BaseException) -> "RetryPolicy":
        """The policy for this error: its own where an override names its class or, next, the nearest one above it."""
        return self.on_class(type(error))

    def on_class(self, kind: type[BaseException]) -> "RetryPolicy":
        found = next((above for above in kind.__mro__ if above in self.overrides), None)
        return self if found is None else self._changed(self.overrides[found])

    def why_not_again(self, attempt: int, *, error: BaseException, waited: timedelta) -> str | None:
        """Why no attempt follows on number `attempt`, which ended with `error`; None where one may.

        `waited`: from when the job was asked for until the next attempt would start.
        """
        policy = self.on(error)
        if attempt >= policy.max_attempts < self.max_attempts:
            return f"its policy for this error ends with attempt {policy.max_attempts}"
        if policy.deadline is not None and waited > policy.deadline:
            return f"the next attempt would start {waited} after it was asked for, its deadline is {policy.deadline}"
        return None

    def _changed(self, override: Override) -> "RetryPolicy":
        made = override if isinstance(override, RetryPolicy) else replace(self, **{**override, "overrides": {}})
        deadlines = [d for d in (self.deadline, made.deadline) if d is not None]
        return replace(made, deadline=min(deadlines, default=None))


def _check_attempts(count: Any) -> None:
    if not isinstance(count, int) or isinstance(count, bool) or not 1 <= count <= MOST_ATTEMPTS:
        raise _wrong(f"max_attempts is {count!r}; give a whole number from 1, since the first run is one.")


def _check_spans(policy: RetryPolicy) -> None:
    for name in ("base", "cap", "deadline"):
        span = getattr(policy, name)
        if not isinstance(span, timedelta) and (name, span) != ("deadline", None):
            raise _wrong(f"{name} is {span!r}; give a timedelta, for instance {name}=timedelta(seconds=30).")
    if not timedelta(0) < policy.base <= policy.cap:
        raise _wrong(f"base ({policy.base}) must be above 0 and not above cap ({policy.cap}).")
    if policy.deadline is not None and policy.deadline <= timedelta(0):
        raise _wrong(f"deadline is {policy.deadline}; give a span above 0, or None for no deadline.")


def _check_override(policy: RetryPolicy, kind: Any, override: Any) -> None:
    if not (isinstance(kind, type) and issubclass(kind, BaseException)):
        raise _wrong(f"overrides names {kind!r}; give a class of errors.")
    where = f"overrides[{kind.__name__}]"
    if isinstance(override, RetryPolicy):
        if override.overrides:
            raise _wrong(f"{where} has overrides itself; name each class at the top.")
    elif not isinstance(override, Mapping):
        raise _wrong(f"{where} is {override!r}; give a RetryPolicy or a dict of changed fields.")
    elif unknown := sorted(set(override) - CHANGEABLE):
        raise _wrong(f"{where} changes {', '.join(unknown)}; it may change {', '.join(sorted(CHANGEABLE))}.")
    lowered = policy._changed(override)  # noqa: SLF001 - its own module; raises what is wrong with the fields
    if lowered.max_attempts > policy.max_attempts:
        raise _wrong(f"{where} makes {lowered.max_attempts} attempts, the policy {policy.max_attempts}, which each "
                     "job's record keeps. Lower the first or raise the second.")  # fmt: skip


CHANGEABLE = frozenset(f.name for f in fields(RetryPolicy)) - {"overrides"}


def _wrong(what: str) -> ImproperlyConfigured:
    return ImproperlyConfigured(f"RetryPolicy: {what}")
