"""`manage.py jobs dead-letters`, `replay`, `discard` and `bulk`: the admin's decisions, from a terminal."""

import json
import re
from datetime import timedelta
from getpass import getuser
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command

from idempotency.models import Record
from idempotency.states import Reason
from jobs.models import BulkReplay, Decision
from tests.app.tasks import Echo, Mark, MarkAlone
from tests.bulk import many_given_up, run_all, states, step
from tests.review import an_inbox, given_up, grow_old, invoice

pytestmark = pytest.mark.django_db


@pytest.fixture
def jobs(capsys):
    """Runs a verb; returns the text that it prints."""

    def run(*arguments):
        capsys.readouterr()
        call_command("jobs", *arguments)
        return capsys.readouterr().out

    return run


@pytest.fixture
def told(jobs):
    """Runs a verb with --json; returns what each line means."""

    def run(*arguments):
        return [json.loads(line) for line in jobs(*arguments, "--json").splitlines()]

    return run


def dead(name="one") -> Record:
    return given_up(Mark, name=name)


def test_dead_letters_are_told_by_cause(jobs, told):
    an_inbox()
    (inbox,) = told("dead-letters")
    assert (inbox["jobs"], len(inbox["incidents"])) == (23, 4)
    text = jobs("dead-letters")
    (unreachable,) = [i for i in inbox["incidents"] if i["error"].startswith("ConnectTimeout")]
    assert (unreachable["count"], unreachable["accounts"], unreachable["vendor"]) == (14, 6, "ledgerly")
    assert "     14  billing_sync.SyncInvoice  ConnectTimeout: the vendor did not answer within 10 s\n" in text
    about = (
        rf"6 accounts, newest \d+ m?s ago, oldest \d+ m?s ago, owner billing, --incident {unreachable['fingerprint']}"
    )
    assert re.search(about, text)


def test_the_filter_narrows_the_list(jobs, told):
    old, new = invoice(1, "ConnectTimeout: no answer", account=7), invoice(2, "ConnectTimeout: no answer", account=8)
    grow_old(old, timedelta(days=3))
    assert [j["id"] for j in told("dead-letters", "--list")] == [str(new.id), str(old.id)]
    for options, found in (
        (("--account", "7"), old), (("--search", "INV-2"), new), (("--search", str(old.id)), old),
        (("--until", "2026-01-01T00:00Z"), None), (("--limit", "1"), new), (("--error", "nothing like it"), None),
        (("--job-reason", "attempts_exhausted", "--account", "8"), new), (("--incident", str(uuid4())), None),
    ):  # fmt: skip
        assert [j["id"] for j in told("dead-letters", "--list", *options)] == ([str(found.id)] if found else []), (
            options
        )
    assert "no answer" in jobs("dead-letters", "--list")
    assert jobs("dead-letters", "--task", "none") == "Nothing waits for a person.\n"


@pytest.mark.parametrize(
    ("option", "sentence"),
    [
        (("--state", "queued"), "no state 'queued' among given-up jobs; there are dead_lettered, failed_permanent"),
        (("--job-reason", "bad"), "no reason 'bad'"),
        (("--since", "soon"), "'soon' is no moment"),
        (("--incident", "x"), "'x' is no incident"),
    ],
)
def test_a_filter_that_means_nothing_is_refused_with_what_there_is(jobs, option, sentence):
    for verb in (("dead-letters",), ("replay", "--all", "--reason", "x"), ("discard", "--all", "--reason", "x")):
        with pytest.raises(CommandError, match=sentence):
            jobs(*verb, *option)


def test_replay_by_id_leaves_the_same_trail_as_the_admin(jobs, told):
    one, two = dead("one"), dead("two")
    assert jobs("replay", str(one.id), "--reason", "the vendor is back") == f"{one.id}: replayed\n"
    assert told("replay", str(two.id), "--reason", "it too") == [
        {"job": str(two.id), "done": True, "answer": "replayed"}
    ]
    assert states() == {"queued": 2}
    kept = Decision.objects.order_by("id").values_list("action", "by", "why", "record_id")
    assert list(kept) == [
        ("replay", getuser(), "the vendor is back", one.id), ("replay", getuser(), "it too", two.id),
    ]  # fmt: skip


def test_what_is_not_given_up_is_left_alone_and_the_script_notices(jobs, capsys):
    record, waiting, nobody = dead(), Echo.enqueue(value=1).id, uuid4()
    with pytest.raises(CommandError, match="2 of 3 jobs were left alone") as failure:
        jobs("replay", str(record.id), str(waiting), str(nobody), "--reason", "x")
    assert failure.value.returncode == 1
    printed = capsys.readouterr().out
    assert f"{record.id}: replayed" in printed
    assert f"{waiting}: left alone: it is queued now" in printed
    assert f"{nobody}: left alone: it is gone" in printed


def test_a_second_replay_is_told_who_was_first(jobs, capsys):
    record = dead()
    jobs("replay", str(record.id), "--reason", "x")
    with pytest.raises(CommandError):
        jobs("replay", str(record.id), "--reason", "x")
    assert f"left alone: {getuser()} decided first (replay" in capsys.readouterr().out
    assert Record.objects.get().replay_count == 1


@pytest.mark.parametrize("verb", ["replay", "discard"])
def test_nothing_is_done_without_a_reason_or_without_saying_which(jobs, verb):
    record = dead()
    for arguments, sentence in (
        ((str(record.id),), "--reason is missing"),
        ((str(record.id), "--reason", " "), "--reason is missing"),
        (("--reason", "x"), "Name job ids, or say --all"),
        (("--reason", "x", "--task", record.task), "The filter chooses 1 jobs: say --all"),
        ((str(record.id), "--all", "--reason", "x"), "ids or a filter, not both"),
        ((str(record.id), "--task", record.task, "--reason", "x"), "ids or a filter, not both"),
        (("everything", "--reason", "x"), "no job id"),
    ):
        with pytest.raises(CommandError, match=sentence):
            jobs(verb, *arguments)
    assert states() == {"dead_lettered": 1}
    assert not Decision.objects.exists()


def test_a_dry_run_tells_verdicts_and_does_nothing(jobs, told):
    record = dead()
    doubtful = given_up(MarkAlone, reason=Reason.UNKNOWN_OUTCOME, name="alone")
    (line,) = told("replay", str(doubtful.id), "--dry-run")
    assert line["answer"].startswith("likely wrong: Its effect may have happened")
    (verdicts,) = told("replay", "--all", "--dry-run")
    assert verdicts["verdicts"] == {"green": 0, "amber": 1, "red": 1}
    assert jobs("replay", "--all", "--dry-run").splitlines()[0] == "2 jobs: 0 safe, 1 look first, 1 likely wrong"
    assert jobs("discard", "--all", "--dry-run") == "2 jobs would be discarded\n"
    with pytest.raises(CommandError, match="No job"):
        jobs("replay", str(uuid4()), "--dry-run")
    assert states() == {"dead_lettered": 2}
    assert Record.objects.get(id=record.id).fencing_token == record.fencing_token
    assert not BulkReplay.objects.exists()


def test_discard_by_filter_and_by_id(jobs, told):
    many_given_up(3)
    other = given_up(MarkAlone, name="alone")
    assert told("discard", "--all", "--task", "tests.app.Mark", "--reason", "tests only") == [
        {"discarded": 3, "left_alone": 0}
    ]
    assert Record.objects.filter(resolution="discarded", resolved_by=getuser()).count() == 3
    assert jobs("discard", str(other.id), "--reason", "it too") == f"{other.id}: discarded\n"
    assert jobs("dead-letters") == "Nothing waits for a person.\n"
    assert Decision.objects.filter(action="discard").count() == 4


def test_replay_of_all_starts_a_bulk_replay_which_can_be_shown_and_held(jobs, told):
    many_given_up(5)
    (begun,) = told("replay", "--all", "--reason", "back", "--canary", "2", "--rate", "7", "--no-wait")
    assert (begun["state"], begun["total"], begun["by"]) == ("canary", 5, getuser())
    found = BulkReplay.objects.get()
    assert (found.canary, found.rate, found.stop_share) == (2, 7, 0.2)
    number = str(found.pk)
    step(found)
    counts = "2 of 5 had their turn; 0 succeeded, 0 given up again, 2 under way, 0 left alone"
    assert jobs("bulk", number) == f"bulk replay {number}, canary: {counts}\n"
    assert told("bulk", number, "--pause", "--reason", "lunch")[0]["state"] == "paused"
    with pytest.raises(CommandError, match=r"Nothing was done: .* decided first"):
        jobs("bulk", number, "--pause", "--reason", "lunch")
    assert told("bulk", number, "--resume", "--reason", "done")[0]["state"] == "canary"
    run_all()
    while step(found) != "finished":
        pass
    assert told("bulk", number, "--wait")[0]["waiting"] == 0
    assert [line["bulk"] for line in told("bulk")] == [found.pk]
    assert "5 jobs" in jobs("bulk")


def test_a_bulk_replay_that_stopped_ends_with_an_error(jobs):
    many_given_up(5)
    jobs("replay", "--all", "--reason", "back", "--no-wait")
    found = BulkReplay.objects.get()
    step(found)
    run_all(failing=5)
    step(found)
    with pytest.raises(CommandError, match=r"was stopped: 5 of 5 jobs of the canary were given up again\."):
        jobs("bulk", str(found.pk), "--wait")


def test_what_needs_a_second_person_says_how_to_approve_it(jobs, told, settings):
    settings.JOBS_SECOND_APPROVER = ("bulk",)
    many_given_up(5)
    printed = jobs("replay", "--all", "--reason", "back")
    found = BulkReplay.objects.get()
    assert f"manage.py jobs bulk {found.pk} --approve --reason" in printed
    with pytest.raises(CommandError, match="Somebody else has to approve"):
        jobs("bulk", str(found.pk), "--approve", "--reason", "me")
    assert step(found) == "awaiting_approval"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("bulk", "7"), "No bulk replay 7"),
        (("bulk", "--pause", "--reason", "x"), "Say which"),
        (("replay", "--all", "--reason", "x"), "No given-up job fits this filter"),
        (("replay", "--all", "--reason", "x", "--rate", "0"), "The rate is 0 jobs a second"),
        (("replay", "--all", "--reason", "x", "--rate", "nan"), "The rate is nan"),
        (("replay", "--all", "--reason", "x", "--canary", "0"), "The canary is 0 jobs"),
        (("replay", "--all", "--reason", "x", "--stop-share", "20"), "The share to stop at is 20"),
    ],
)
def test_what_means_nothing_is_refused(jobs, arguments, sentence):
    with pytest.raises(CommandError, match=sentence):
        jobs(*arguments)
    assert not BulkReplay.objects.exists()


def test_a_bulk_move_wants_a_reason(jobs):
    many_given_up(1)
    jobs("replay", "--all", "--reason", "back", "--no-wait")
    found = BulkReplay.objects.get()
    with pytest.raises(CommandError, match="--reason is missing"):
        jobs("bulk", str(found.pk), "--cancel")
    assert step(found) == "canary"
