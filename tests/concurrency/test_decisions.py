"""Decisions that meet: two people, two presses, relays, a worker that is late. One effect, and everybody is told."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Barrier

import pytest
from django.db import connection, connections

from idempotency import transitions
from idempotency.claims import Seen
from idempotency.errors import LeaseLost
from idempotency.models import Record
from jobs.models import BulkReplay, Decision
from jobs.review import bulk, bulk_driver, decisions
from jobs.review.bulk import MOVES, Pace
from jobs.review.scope import Scope
from tests.app.models import Effect
from tests.app.tasks import Mark
from tests.bulk import answers, begun, many_given_up, run_all, states
from tests.processes import wait_until
from tests.records import OOPS, assert_balanced, by_hand, own_connection
from tests.review import given_up, take

DIED_TOO_OFTEN = "UPDATE idempotency_record SET lease_expires_at = '2020-01-01', deaths = 9 WHERE id = %s"
pytestmark = pytest.mark.django_db(transaction=True)


def at_once(*calls):
    """Run them in threads that begin together; returns their results in order."""
    barrier = Barrier(len(calls))

    def run(call):
        try:
            barrier.wait()
            return call()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


def dead(name: str) -> tuple[Record, Seen]:
    record = given_up(Mark, name=name)
    return record, Seen(record.id, record.fencing_token)


@pytest.mark.parametrize("second", [decisions.replay, decisions.discard])
def test_of_two_people_at_once_one_decides_and_the_other_is_told(broker, second):
    told = Counter()
    for number in range(8):
        record, seen = dead(f"job {number}")
        found = at_once(
            lambda seen=seen: decisions.replay([seen], by="ann", why="back"),
            lambda seen=seen: second([seen], by="bob", why="enough"),
        )
        done = [answer[record.id] for answer in found]
        assert sorted(a.done for a in done) == [False, True]
        (late,) = [a for a in done if not a.done]
        told[late.sentence.split(" (")[0]] += 1
        assert Decision.objects.filter(record_id=record.id).count() == 1
        assert Record.objects.get(id=record.id).replay_count <= 1
    assert set(told) <= {"ann decided first", "bob decided first"}
    assert_balanced(connection)


@pytest.mark.parametrize("arrow", ["succeed", "fail"])
def test_a_late_outcome_that_meets_a_replay_is_refused_and_the_job_has_one_outcome(broker, arrow):
    """Its lease ran out, it was given up, and its worker comes back while a person replays it."""
    for number in range(8):
        late = take(Mark.enqueue(name=f"job {number}"))
        by_hand(
            connection,
            "UPDATE idempotency_record SET lease_expires_at = '2020-01-01', deaths = 9 WHERE id = %s",
            late.id,
        )
        assert transitions.reap(connection)[late.id] == "dead_lettered"
        seen = Seen(late.id, Record.objects.get(id=late.id).fencing_token)

        def settle(late=late):
            with own_connection() as own, suppress(LeaseLost):
                if arrow == "succeed":
                    return transitions.succeed(own, [late], ["1"])
                transitions.fail(own, late, OOPS)
                return [late.id]
            return []

        settled, answer = at_once(settle, lambda seen=seen: decisions.replay([seen], by="ann", why="back"))
        assert not settled
        assert answer[late.id].done
        assert not settle(), "nor later"
        again = take(Record.objects.get(id=late.id))
        assert not settle(), "nor while another worker has it"
        assert transitions.succeed(connection, [again], ["2"])
        assert Record.objects.get(id=late.id).result == 2
    assert_balanced(connection)


def test_of_many_relays_each_job_is_replayed_by_one(broker):
    many_given_up(300, causes=5)
    found = begun(canary=10, rate=1000)

    def drive():
        steps = Counter()
        while BulkReplay.objects.get(pk=found.pk).state in bulk_driver.LIVE:
            steps["replayed"] += bulk_driver.step(found.pk).replayed
            with connection.cursor() as cursor:  # as workers would, whoever comes first
                cursor.execute("SELECT pg_try_advisory_lock(7)")
                if cursor.fetchone()[0]:
                    run_all()
                    cursor.execute("SELECT pg_advisory_unlock(7)")
        return steps["replayed"]

    assert sum(at_once(*[drive] * 4)) == 300
    assert answers(found) == ["replayed"] * 300
    assert Decision.objects.filter(action="replay").count() == 300
    assert set(Record.objects.values_list("replay_count", flat=True)) == {1}


def test_of_two_presses_of_start_one_begins(broker):
    many_given_up(3)
    found = bulk.draft(Scope(), by="ann")
    press = lambda: bulk.start(found, Pace(), by="ann", why="now").done  # noqa: E731 - it is pressed twice
    assert sorted(at_once(press, press)) == [False, True]
    assert Decision.objects.filter(action="bulk").count() == 1


def test_of_two_who_hold_a_bulk_replay_one_does_and_the_other_is_told(broker):
    many_given_up(3)
    found = begun()
    told = at_once(*[
        lambda by=by: bulk.decide(BulkReplay.objects.get(pk=found.pk), MOVES["cancel"], by=by, why="wrong filter")
        for by in ("bob", "eve")
    ])  # fmt: skip
    assert sorted(answer.done for answer in told) == [False, True]
    assert Decision.objects.filter(after__move="cancel").count() == 1


def test_a_pause_that_meets_a_step_stops_the_next_one(broker):
    many_given_up(50)
    found = begun(canary=50)
    at_once(
        lambda: bulk_driver.step(found.pk),
        lambda: bulk.decide(BulkReplay.objects.get(pk=found.pk), MOVES["pause"], by="bob", why="wait"),
    )
    sent = states().get("queued", 0)
    assert sent in {0, 50}
    assert bulk_driver.step(found.pk).replayed == 0
    assert states().get("queued", 0) == sent


# -- during a deploy --------------------------------------------------------------------------------------------------


def test_a_replay_that_no_worker_knows_is_parked_until_one_does(programs):
    """The release that knows the payload's version is gone: the verdict is red, and a replay waits."""
    record, seen = dead("of the newer release")
    by_hand(connection, "UPDATE idempotency_record SET payload_version = 9 WHERE id = %s", record.id)
    (group,) = bulk.groups(Scope().records())
    assert group.outlook.colour == "red"
    assert "this release reads 1" in group.outlook.sentence
    programs.worker("default")
    programs.relay()
    assert decisions.replay([seen], by="ann", why="the deploy goes on")[record.id].done
    parked = wait_until(lambda: Record.objects.filter(id=record.id, parked_reason__isnull=False).first())
    assert (parked.state, parked.attempt) == ("queued", 0)
    assert not Effect.objects.exists()
    by_hand(connection, "UPDATE idempotency_record SET payload_version = 1 WHERE id = %s", record.id)
    wait_until(lambda: Record.objects.filter(id=record.id, state="succeeded").exists(), 30)
    assert Effect.objects.count() == 1


def test_a_replay_while_no_worker_is_there_waits_for_the_next(programs):
    record, seen = dead("between two releases")
    assert decisions.replay([seen], by="ann", why="at once")[record.id].done
    programs.relay()
    programs.worker("default")
    wait_until(lambda: Record.objects.filter(id=record.id, state="succeeded").exists(), 30)
    assert Effect.objects.count() == 1
