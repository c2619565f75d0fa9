"""A bulk replay, step by step, as the relay drives it."""

import pytest
from django.db import connection

from idempotency import transitions
from idempotency.claims import Seen
from idempotency.models import Record
from jobs.models import BulkItem, BulkReplay, Decision
from jobs.review import bulk, bulk_counts, bulk_driver, decisions
from jobs.review.bulk import MOVES, BulkError, Pace
from jobs.review.scope import Scope
from tests.app.tasks import Mark, MarkAlone
from tests.bulk import answers, begun, many_given_up, record_of, run_all, states, step
from tests.records import assert_balanced

pytestmark = pytest.mark.django_db


def decide(found, move, by="bob"):
    return bulk.decide(found, MOVES[move], by=by, why="to look first")


def test_ten_thousand_jobs_are_chosen_in_one_statement_as_they_stand(django_assert_max_num_queries):
    many_given_up(10_000, causes=40)
    with django_assert_max_num_queries(6):
        found = bulk.draft(Scope(), by="ann")
    assert (found.total, found.state, found.items.count()) == (10_000, "draft", 10_000)
    assert states() == {"dead_lettered": 10_000}, "nothing is replayed before somebody has looked"
    first = [record_of(found, number).incident for number in range(1, 41)]
    assert len(set(first)) == 40, "each cause is met early"


def test_nothing_to_replay_is_said():
    with pytest.raises(BulkError, match="No given-up job fits this filter"):
        bulk.draft(Scope(task="nothing"), by="ann")
    assert not BulkReplay.objects.exists()


def test_a_canary_goes_first_and_the_rest_follows_when_it_has_ended_well():
    many_given_up(30)
    found = begun(canary=3, rate=10)
    assert step(found) == "canary"
    assert states() == {"queued": 3, "dead_lettered": 27}
    assert step(found) == "canary", "it waits for the three"
    run_all()
    assert step(found) == "running"
    assert states() == {"succeeded": 3, "dead_lettered": 27}
    assert [(step(found), states()["queued"]) for _ in range(3)] == [("running", 10), ("running", 20), ("finished", 27)]
    run_all()
    assert states() == {"succeeded": 30}
    counts = bulk_counts.count(found)
    assert (counts.replayed, counts.succeeded, counts.waiting, counts.under_way) == (30, 30, 0, 0)
    assert_balanced(connection)


def test_each_job_keeps_who_replayed_it_why_and_in_which_bulk_replay():
    many_given_up(4)
    found = begun(canary=4)
    step(found)
    kept = Decision.objects.filter(action="replay")
    assert {d.record_id for d in kept} == set(Record.objects.values_list("id", flat=True))
    assert {(d.by, d.why, d.bulk_id, d.before["state"]) for d in kept} == {
        ("ann", "the vendor is back", found.pk, "dead_lettered")
    }


def test_a_canary_that_is_given_up_again_stops_it():
    many_given_up(30)
    found = begun(canary=3, stop_share=0.2)
    step(found)
    run_all(failing=1)
    assert step(found) == "stopped"
    assert found.state_why == "1 of 3 jobs of the canary were given up again"
    assert step(found) == "stopped"
    assert states() == {"failed_permanent": 1, "succeeded": 2, "dead_lettered": 27}


def test_a_share_of_jobs_given_up_again_stops_it():
    many_given_up(500)
    found = begun(canary=2, rate=100, stop_share=0.2)
    step(found)
    run_all()
    step(found)
    step(found)
    run_all(failing=20)
    assert step(found) == "running", "20 of 102 are no more than a fifth"
    run_all(failing=21)
    assert step(found) == "stopped"
    assert found.state_why == "41 of 202 settled jobs were given up again"


def test_one_that_stopped_is_resumed_with_a_new_canary_and_what_failed_before_counts_no_more():
    many_given_up(30)
    found = begun(canary=3, rate=100, stop_share=0.2)
    step(found)
    run_all(failing=3)
    assert step(found) == "stopped"
    assert found.finished_at is not None
    assert decide(found, "resume").done
    found.refresh_from_db()
    assert (found.state, found.finished_at, found.state_why) == ("canary", None, "bob: to look first")
    step(found)
    assert states() == {"failed_permanent": 3, "queued": 3, "dead_lettered": 24}, "three more, and no further one"
    run_all()
    assert step(found) == "running"
    step(found)
    run_all()
    assert step(found) == "finished"
    assert states() == {"failed_permanent": 3, "succeeded": 27}


def test_one_that_was_resumed_stops_again_when_its_new_canary_fails():
    many_given_up(10)
    found = begun(canary=2, stop_share=0.2)
    for _ in range(2):
        step(found)
        run_all(failing=2)
        assert step(found) == "stopped"
        assert found.state_why == "2 of 2 jobs of the canary were given up again"
        decide(found, "resume")
    assert states() == {"failed_permanent": 4, "dead_lettered": 6}


def test_two_presses_of_resume_begin_one_canary():
    many_given_up(10)
    found = begun(canary=2)
    step(found)
    run_all(failing=2)
    step(found)
    assert decide(found, "resume").done
    second = decide(found, "resume")
    assert not second.done
    assert "bob decided first" in second.sentence
    assert Decision.objects.filter(bulk=found, after__move="resume").count() == 1


def test_a_relay_that_was_away_for_an_hour_makes_up_for_a_second_of_it():
    many_given_up(500)
    found = begun(canary=1, rate=50)
    step(found)
    run_all()
    step(found)
    step(found, seconds=3600)
    assert states()["queued"] == 50


def test_a_slow_pace_still_comes_to_its_end():
    many_given_up(3)
    found = begun(canary=1, rate=0.001)
    step(found)
    run_all()
    step(found)
    step(found, seconds=1)
    assert states() == {"succeeded": 1, "dead_lettered": 2}, "one in a thousand seconds"
    step(found, seconds=1000)
    assert states() == {"succeeded": 1, "dead_lettered": 1, "queued": 1}
    assert step(found, seconds=1000) == "finished"


def test_a_job_that_changed_since_the_preview_is_left_alone_and_told_why():
    many_given_up(4)
    found = bulk.draft(Scope(), by="ann")
    for number, decision in ((1, decisions.replay), (2, decisions.discard)):
        record = record_of(found, number)
        decision([Seen(record.id, record.fencing_token)], by="bob", why="at once")
    bulk.start(found, Pace(canary=4), by="ann", why="the vendor is back")
    step(found)
    first, second, *rest = answers(found)
    assert "bob decided first (replay" in first
    assert "it is queued now" in first
    assert "bob decided first (discard" in second
    assert rest == ["replayed", "replayed"]
    assert Record.objects.filter(replay_count=1).count() == 3
    assert {left.count for left in bulk_counts.left_alone(found)} == {1}


def test_what_is_likely_wrong_is_left_out_unless_it_is_asked_for():
    many_given_up(2)
    many_given_up(3, task=MarkAlone, name="alone ")
    Record.objects.filter(task=MarkAlone.name).update(intent_at="2026-01-01T00:00Z")
    groups = bulk.groups(Scope().records())
    assert [(g.task, g.count, g.outlook.colour) for g in groups] == [
        (MarkAlone.name, 3, "red"), (Mark.name, 2, "green"),
    ]  # fmt: skip
    careful, bold = begun(canary=5), begun(canary=5, red=True)
    step(careful)
    assert states() == {"queued": 2, "dead_lettered": 3}
    (left,) = bulk_counts.left_alone(careful)
    assert (left.count, left.why[:26]) == (3, "left out, likely wrong: It")
    step(bold)
    assert states() == {"queued": 5}


def test_pause_keeps_where_it_was_and_resume_goes_on_there():
    many_given_up(30)
    found = begun(canary=3)
    step(found)
    assert decide(found, "pause").done
    run_all()
    assert step(found) == "paused"
    assert decide(found, "resume").done
    found.refresh_from_db()
    assert found.state == "canary"
    assert step(found) == "running"


def test_cancel_ends_it_and_leaves_the_rest_given_up():
    many_given_up(30)
    found = begun(canary=3)
    step(found)
    assert decide(found, "cancel").done
    assert step(found) == "cancelled"
    late = decide(found, "pause")
    assert not late.done
    assert "bob decided first" in late.sentence
    assert states() == {"queued": 3, "dead_lettered": 27}
    assert list(Decision.objects.filter(action="bulk").values_list("by", "after__move").order_by("id")) == [
        ("ann", "start"), ("bob", "cancel"),
    ]  # fmt: skip


def test_two_presses_of_start_begin_it_once():
    many_given_up(3)
    found = bulk.draft(Scope(), by="ann")
    assert bulk.start(found, Pace(), by="ann", why="now").done
    again = bulk.start(found, Pace(), by="ann", why="now")
    assert not again.done
    assert "ann decided first" in again.sentence
    assert Decision.objects.filter(action="bulk").count() == 1


def test_nobody_starts_what_another_one_chose():
    many_given_up(3)
    found = bulk.draft(Scope(), by="ann")
    assert not bulk.start(found, Pace(), by="bob", why="now").done
    found.refresh_from_db()
    assert found.state == "draft"


def test_with_a_second_approver_somebody_else_has_to_agree(settings):
    settings.JOBS_SECOND_APPROVER = ("bulk",)
    many_given_up(3)
    found = begun(canary=3)
    assert step(found) == "awaiting_approval"
    with pytest.raises(BulkError, match="Somebody else"):
        decide(found, "approve", by="ann")
    assert step(found) == "awaiting_approval"
    assert decide(found, "approve").done
    assert (step(found), found.approved_by) == ("canary", "bob")
    assert states() == {"queued": 3}


@pytest.mark.parametrize("pace", [{"rate": 0}, {"rate": 1e9}, {"rate": float("nan")}, {"canary": 0}, {"stop_share": 2}])
def test_numbers_that_mean_nothing_are_refused(pace):
    with pytest.raises(BulkError, match="must be"):
        Pace(**pace)


def test_a_job_whose_key_a_newer_one_holds_does_not_keep_the_others():
    many_given_up(3)
    old = Record.objects.first()
    Record.objects.filter(id=old.id).update(key=None, freed_key=old.key)
    newer = Mark.enqueue(name="newer").id
    Record.objects.filter(id=newer).update(key=old.key)
    found = begun(canary=3)
    step(found)
    assert sorted(answers(found)) == ["a newer job holds its key", "replayed", "replayed"]


def test_what_was_looked_at_and_not_started_is_forgotten(committing):
    many_given_up(3)
    old, new = (bulk.draft(Scope(), by="ann") for _ in range(2))
    BulkReplay.objects.filter(pk=old.pk).update(created_at="2026-01-01T00:00Z")
    bulk_driver.forget_drafts(committing)
    assert list(BulkReplay.objects.values_list("pk", flat=True)) == [new.pk]
    assert BulkItem.objects.count() == 3


def test_a_worker_that_cancels_nothing_counts_a_cancelled_job_apart():
    many_given_up(2)
    found = begun(canary=2)
    step(found)
    record = Record.objects.filter(state="queued").first()
    transitions.cancel(connection, record.id, token=record.fencing_token, why="bob: not this one")
    run_all()
    counts = bulk_counts.count(found)
    assert (counts.succeeded, counts.given_up, counts.cancelled) == (1, 0, 1)
    assert step(found) == "running"
