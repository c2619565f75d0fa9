"""What a body leaves with Sentry is told with its own job's event and with no other's, in one process."""

import sentry_sdk
from sentry_sdk import Client
from sentry_sdk.scope import Scope, use_scope

from idempotency.models import Record
from jobs import observers
from jobs.sentry import JobsIntegration, Reports
from tests.app.telling import Leaves, Strays
from tests.processes import wait_until
from tests.telemetry.test_traces import ended
from tests.telemetry.test_unsampled import LEFT_OUT


def test_nothing_that_one_job_leaves_is_told_with_another(sunk, request_jobs, spawn_worker, spawn_relay):
    leaves = {"leaves": True, "fails": False}
    fails = {"leaves": False, "fails": True}
    asked = [("untouched", fails), ("first", leaves), ("after", fails), ("both", leaves | {"fails": True}),
             ("last", fails)]  # fmt: skip
    ids = request_jobs(*((Leaves, {"name": name, **does}) for name, does in asked), env=LEFT_OUT)
    worker = spawn_worker(env=sunk.environment)
    spawn_relay()
    wait_until(lambda: ended(*ids))
    assert not worker.stop()
    events = {event["extra"]["celery-job"]["kwargs"]["name"]: event for event in sunk.sentry("event")}
    assert sorted(events) == ["after", "both", "last", "untouched"]
    for name in ("untouched", "after", "last"):
        assert left_in(events[name]) == {}, name
    assert left_in(events["both"]) == {
        "tags": {"left": "both", "left within": "both"},
        "user": {"id": "both"},
        "context": {"by": "both"},
        "extra": "both",
        "breadcrumbs": ["left by both"],
        "logger": "both",
    }
    for name, id_ in zip([name for name, _ in asked], ids, strict=True):
        if name in events:
            belongs_to(events[name], Record.objects.get(id=id_))


def test_what_a_job_enters_and_does_not_leave_the_next_one_is_not_in(sunk, request_jobs, spawn_worker, spawn_relay):
    asked = [
        (Strays, {"name": "one"}),
        (Strays, {"name": "two"}),
        (Leaves, {"name": "last", "leaves": False, "fails": True}),
    ]
    ids = request_jobs(*asked, env=LEFT_OUT)
    worker = spawn_worker(env=sunk.environment)
    spawn_relay()
    wait_until(lambda: ended(*ids))
    assert not worker.stop()
    *strayed, last = (Record.objects.get(id=id_) for id_ in ids)
    assert len({record.lease_id for record in (*strayed, last)}) == 1, "one claim, or nothing was left to anybody"
    for record in strayed:
        assert f"00-{record.result}" == record.options["headers"]["traceparent"]
    (event,) = sunk.sentry("event")
    assert left_in(event) == {}
    belongs_to(event, last)


def left_in(event) -> dict:
    tags = {name: value for name, value in event["tags"].items() if name.startswith("left")}
    breadcrumbs = [crumb["message"] for crumb in event["breadcrumbs"]["values"]]
    found = {
        "tags": tags,
        "user": event.get("user"),
        "context": event["contexts"].get("left"),
        "extra": event["extra"].get("left"),
        "breadcrumbs": breadcrumbs,
        "logger": event.get("logger"),
    }
    return {name: value for name, value in found.items() if value}


def belongs_to(event, record: Record) -> None:
    assert event["tags"]["celery_task_id"] == str(record.id)
    assert event["transaction"] == Leaves.name
    assert event["fingerprint"] == [Leaves.name, "PermanentError", "no vendor"]
    assert event["contexts"]["trace"]["trace_id"] == record.options["headers"]["traceparent"][3:35]


def test_no_integration_sees_what_a_worker_sends_for_those_who_watch(monkeypatch):
    monkeypatch.setattr(observers, "watching", (Reports(),))
    client = Client(default_integrations=False, auto_enabling_integrations=False, integrations=[JobsIntegration()])
    with use_scope(Scope(client=client)):
        assert sees()
        with observers.around(lambda o: o.unseen()):
            assert not sees()
        assert sees()


def sees() -> bool:
    return sentry_sdk.get_client().get_integration(JobsIntegration) is not None
