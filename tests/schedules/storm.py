"""Many schedules under beats that are killed and a broker that goes: a history, and a checker that knows no beat.

What should have ticked is computed here by plain arithmetic from the schedules' start times, and compared with the
ledger, the records and the effects. Longer: TESTS_STORM=300 and TESTS_STORM_OUTAGE=60, in seconds.
"""

import os
import random
from collections import Counter
from datetime import datetime, timedelta

from django.db import transaction

from idempotency.models import Record
from jobs.schedules.models import Position, Tick
from tests.app.models import Effect
from tests.processes import wait_until
from tests.schedules.making import now, schedule

SECONDS = float(os.environ.get("TESTS_STORM", "12"))
OUTAGE = float(os.environ.get("TESTS_STORM_OUTAGE", "4"))
KILL_EVERY, LEAST_KILLS = 2.0, 5  # seconds; a busy machine starts beats slowly
SCHEDULES, BEATS = 200, 3
SECOND = timedelta(seconds=1)


class Storm:
    """200 schedules that start together, and what must come of them."""

    def __init__(self, programs, broker, beats=BEATS):
        self.programs, self.broker, self.luck = programs, broker, random.Random(7)
        self.beats = [programs.beat() for _ in range(beats)]
        self.start = now().replace(microsecond=0) + 5 * SECOND
        self.every = {f"schedule {n}": 2 + n % 9 for n in range(SCHEDULES)}
        with transaction.atomic():
            for name, seconds in self.every.items():
                kwargs = {"name": name + " {tick}"}
                schedule(name, every=seconds * SECOND, start_time=self.start, kwargs=kwargs, policy={"missed": "all"})
            # A busy machine may take longer than that to make them all.
            Position.objects.update(accounted_until=self.start - SECOND, next_due_at=self.start)
        self.kills = 0

    def rage(self):
        """Kill beats one after the other, and take the broker away in the middle."""
        end, away = self.start + SECONDS * SECOND, self.start + SECONDS / 4 * SECOND
        next_kill, is_away = self.start + SECOND, None
        while now() < end or self.kills < LEAST_KILLS:
            wait_until(lambda: now() >= next_kill, 60)  # noqa: B023 - waited for at once
            self.kill_one()
            next_kill = max(next_kill + KILL_EVERY * SECOND, now())
            if is_away is None and now() >= away:
                self.broker.stop()
                is_away = True
            if is_away and now() >= away + OUTAGE * SECOND:
                self.broker.restart()
                is_away = False
        if is_away:
            self.broker.restart()
        return now()

    def kill_one(self):
        place = self.luck.randrange(BEATS)
        self.beats[place].kill()
        self.kills += 1
        self.beats[place] = self.programs.beat(ready=False)

    def calm_down(self):
        """No more ticks: what is due is fired, and the workers may finish it."""
        for beat in self.beats:
            beat.kill()

    def expected(self, end: datetime) -> set[tuple[str, datetime]]:
        found = set()
        for name, seconds in self.every.items():
            ticks = int((end - self.start).total_seconds() // seconds) + 1
            found |= {(name, self.start + n * seconds * SECOND) for n in range(ticks)}
        return found


def accounted(end: datetime) -> bool:
    return not Position.objects.filter(next_due_at__lte=end).exists()


def check(storm: Storm, end: datetime) -> list[str]:
    """What the history has too many or too few of; empty when every expected tick fired once."""
    expected = storm.expected(end)
    rows = Tick.objects.filter(nominal__lte=end)
    ledger = Counter((row.schedule, row.nominal) for row in rows)
    jobs = Counter(Record.objects.values_list("payload__name", flat=True))
    effects = Counter(Effect.objects.values_list("name", flat=True))
    wanted = {f"{name} {moment.isoformat()}" for name, moment in expected}
    wrong = [f"missed: {tick}" for tick in expected - ledger.keys()]
    wrong += [f"never planned: {tick}" for tick in ledger.keys() - expected]
    wrong += [f"{row.outcome}: {row} {row.why}" for row in rows if row.outcome != "fired"]
    for what, counted in (("job", jobs), ("effect", effects)):
        wrong += [f"no {what}: {name}" for name in wanted - counted.keys()]
        wrong += [f"{n} {what}s: {name}" for name, n in counted.items() if name in wanted and n > 1]
    return wrong
