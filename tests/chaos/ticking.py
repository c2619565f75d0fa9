"""Schedules of a chaos run, as a person makes them; and their ticks, by plain arithmetic that knows no beat.

Run as a program, it writes the schedules into the database that its environment names.
"""

import argparse
from dataclasses import dataclass
from datetime import datetime, timedelta

EVERY = timedelta(seconds=1)
TICKERS = ("ticker 1", "ticker 2", "ticker 3")


@dataclass(frozen=True)
class Ticking:
    """Three schedules that tick once a second from `start` on; `until` and `at_most` are when the books were read.

    What was planned up to `until` must be there, what was planned up to `at_most` may be.
    """

    start: datetime
    until: datetime
    at_most: datetime

    @property
    def must(self) -> set[str]:
        return self._names(self.until)

    @property
    def may(self) -> set[str]:
        return self._names(self.at_most)

    def _names(self, end: datetime) -> set[str]:
        """Of the jobs: each carries its schedule and its nominal time."""
        count = max(0, (end - self.start) // EVERY + 1)
        moments = [(self.start + n * EVERY).isoformat() for n in range(count)]
        return {f"{name} {moment}" for name in TICKERS for moment in moments}


def make(start: datetime) -> None:
    from tests.schedules.making import schedule

    policy = {"missed": "all", "catch_up": timedelta(days=1)}
    for name in TICKERS:
        kwargs = {"name": name + " {tick}"}
        schedule(name, "tests.app.chaos.Ticked", every=EVERY, start_time=start, kwargs=kwargs, policy=policy)


if __name__ == "__main__":
    import django

    django.setup()
    parser = argparse.ArgumentParser(description=make.__doc__)
    parser.add_argument("start", type=datetime.fromisoformat)
    make(parser.parse_args().start)
