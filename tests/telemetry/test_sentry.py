"""Sentry, told through its own transport: one issue for each cause, when a job is given up."""

from collections import Counter

from idempotency.models import Record
from tests.app.tasks import FailForGood, FailTimes, KillWorker, Mark
from tests.app.telling import CallsVendor, Overruns
from tests.processes import wait_until
from tests.telemetry.test_traces import ended

EXHAUSTS = 99


def kind(event) -> str:
    return event["exception"]["values"][-1]["type"]


def test_one_issue_for_each_cause_and_none_for_a_retry(sunk, request_jobs, spawn_worker, spawn_relay):
    ids = request_jobs(
        (FailForGood, {"name": "bad"}), (FailForGood, {"name": "worse"}),
        (FailTimes, {"name": "again", "times": EXHAUSTS}), (FailTimes, {"name": "once", "times": 1}),
        (CallsVendor, {"name": "calls"}), (Mark, {"name": "well"}),
        (Overruns, {"name": "overruns"}), (KillWorker, {"name": "kills", "times": 1}),
    )  # fmt: skip
    worker = spawn_worker(["default", "open"], env=sunk.environment | {"TESTS_LEASE": "3600"})
    spawn_relay(env={"TESTS_LEASE": "3600"})
    wait_until(lambda: ended(*ids), 60)
    assert not worker.stop()
    events = sunk.sentry("event")
    bad, worse, again, once, calls, well, overruns, kills = ids
    of_job = Counter((event["tags"]["celery_task_id"], kind(event)) for event in events)
    assert of_job.pop((overruns, "TimeLimitExceeded")) in (1, 2), "once in a batch, which costs no attempt, once alone"
    assert of_job.pop((kills, "WorkerLostError")) == 1
    assert of_job == {(bad, "PermanentError"): 1, (worse, "PermanentError"): 1, (again, "TransientError"): 1}

    fingerprints = {event["tags"]["celery_task_id"]: event["fingerprint"] for event in events}
    assert fingerprints[bad] == fingerprints[worse] == [FailForGood.name, "PermanentError", "no vendor"]
    assert fingerprints[again] == [FailTimes.name, "TransientError", "no vendor"]
    tags = next(event["tags"] for event in events if event["tags"]["celery_task_id"] == again)
    key = str(Record.objects.get(id=again).key)
    assert {
        "task": FailTimes.name,
        "queue": "default",
        "vendor": "no vendor",
        "attempt": "5",
        "key": key,
    }.items() <= tags.items()
    shown = next(event for event in events if event["tags"]["celery_task_id"] == bad)
    assert shown["extra"]["celery-job"]["kwargs"] == {"name": "bad"}
    assert not [
        frame for error in shown["exception"]["values"] for frame in error["stacktrace"]["frames"] if "vars" in frame
    ]

    shows_queues(sunk.sentry("transaction"), well=well, once=once, calls=calls)


def shows_queues(transactions, *, well, once, calls):
    """What Sentry's page of queues is made of."""
    assert not [t for t in transactions if t["transaction"] == "jobs.hint"]
    process = [s["data"] for t in transactions for s in t["spans"] if s["op"] == "queue.process"]
    publish = [s["data"] for t in transactions for s in t["spans"] if s["op"] == "queue.publish"]
    assert len(publish) == 8
    of = {name: [s for s in process if s["messaging.message.id"] == name] for name in (well, once, calls)}
    assert [s["messaging.message.retry.count"] for s in of[once]] == [0, 1]
    assert [s["messaging.destination.name"] for s in of[calls]] == ["open"]
    waited = Record.objects.get(id=well)
    (told,) = of[well]
    assert (
        0
        <= told["messaging.message.receive.latency"] / 1000
        <= (waited.finished_at - waited.created_at).total_seconds()
    )
    assert told["messaging.message.receive.latency"] > 100, "it waited for the worker to start"
    (request,) = (t for t in transactions if t["transaction"] == "/invoices")
    assert request["contexts"]["trace"]["trace_id"] in {
        t["contexts"]["trace"]["trace_id"] for t in transactions if t["transaction"] == Mark.name
    }
