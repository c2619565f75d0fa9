"""Which of the ticks that are due fire, by a schedule's policy. No database and no clock."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether one tick fires; if not, why."""

    nominal: datetime
    why_not: str | None = None

    @property
    def fires(self) -> bool:
        return self.why_not is None


@dataclass(frozen=True, slots=True)
class Rules:
    """How late a tick may fire. Within `grace` a tick is on time, whatever `missed` says: a restart is no outage."""

    missed: str
    catch_up: timedelta
    grace: timedelta
    expires: timedelta | None = None


def judge(due: Sequence[datetime], now: datetime, rules: Rules, *, more: bool) -> Iterator[Verdict]:
    """One verdict for each tick, in order. `more`: others are due after these, so that none of these is the latest."""
    for place, nominal in enumerate(due):
        is_latest = place == len(due) - 1 and not more
        yield Verdict(nominal, _why_not(now - nominal, rules, is_latest=is_latest))


def _why_not(late: timedelta, rules: Rules, *, is_latest: bool) -> str | None:
    if rules.expires is not None and late > rules.expires:
        return f"no beat was there within its expire_seconds ({rules.expires.total_seconds():.0f})"
    if late <= rules.grace:
        return None
    if late > rules.catch_up:
        return f"no beat was there within its catch-up window ({rules.catch_up})"
    if rules.missed == "all" or (rules.missed == "latest" and is_latest):
        return None
    return f"no beat was there in time, and missed ticks are {MISSED[rules.missed]}"


MISSED = {"latest": "made up for by the latest", "skip": "let go"}
