"""Real beats, several at once, killed at any moment: every tick fires once."""

from datetime import timedelta

from idempotency.models import Record
from idempotency.states import TERMINAL
from jobs.schedules.models import Beat, Tick
from tests.app.models import Effect
from tests.processes import wait_until
from tests.schedules.making import now, outcomes, schedule
from tests.schedules.storm import LEAST_KILLS, Storm, accounted, check


def test_every_tick_fires_once_though_beats_are_killed_and_the_broker_is_away(
    programs, spawn_worker, spawn_relay, broker
):
    spawn_worker(concurrency=2)
    spawn_relay()
    storm = Storm(programs, broker)
    end = storm.rage()
    wait_until(lambda: accounted(end), 60, "every tick is accounted for")
    storm.calm_down()
    wait_until(lambda: not Record.objects.exclude(state__in=TERMINAL).exists(), 60, "every job ran")
    assert storm.kills >= LEAST_KILLS
    assert check(storm, end) == []


def test_the_checker_notices_what_is_missing_doubled_or_unplanned(programs, broker):
    """Teeth: a history that is wrong in each way is told to be."""
    storm = Storm(programs, broker, beats=0)
    end = storm.start
    assert len([w for w in check(storm, end) if w.startswith("missed")]) == 200
    Tick.objects.create(schedule="schedule 1", nominal=end, outcome="skipped", task="t", beat="b", at=end)
    Tick.objects.create(schedule="schedule 2", nominal=end - timedelta(seconds=1), outcome="missed", task="t",
                        beat="b", at=end)  # fmt: skip
    for _ in range(2):
        Effect.objects.create(name=f"schedule 3 {end.isoformat()}")
    wrong = "\n".join(check(storm, end))
    assert "skipped: schedule 1" in wrong
    assert "never planned: ('schedule 2'" in wrong
    assert "2 effects: schedule 3" in wrong


def test_a_beat_fires_within_a_second_and_tells_of_itself(programs, database):
    start = now().replace(microsecond=0) + timedelta(seconds=6)
    made = schedule(every=timedelta(seconds=1), start_time=start)
    beat = programs.beat()
    wait_until(lambda: len(outcomes(made)) >= 3, 30)
    late = [(tick.at - tick.nominal).total_seconds() for tick in Tick.objects.all()]
    assert min(late) >= 0  # never before its time
    assert min(late) < 1
    told = Beat.objects.get()
    assert abs(told.clock_offset) < 1
    assert beat.stop() == 0
    assert Record.objects.count() == len(outcomes(made))
