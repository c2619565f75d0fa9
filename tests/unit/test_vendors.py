"""What `JOBS_VENDORS` may say, and what is said of nonsense."""

from datetime import timedelta

import pytest
from celery import current_app
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.core.management.base import SystemCheckError

from idempotency.queues import Limits
from jobs import EnqueueError, IdempotentTask, checks, task, vendors
from tests.app.tasks import Mark
from tests.app.throttled import Throttled


@pytest.fixture
def declare(settings):
    """`declare(calls_per_second=…)`: what is understood of such an entry."""

    def understood(**said):
        settings.JOBS_VENDORS = {"throttle": said}
        return vendors.declared("throttle")

    return understood


def test_a_vendor_that_is_not_declared_has_no_limits_but_a_budget_and_a_circuit(settings):
    settings.JOBS_VENDORS = {}
    assert vendors.declared("anybody").limits == Limits(retry_share=0.2, retry_floor=10.0)
    assert vendors.declared("anybody").circuit.threshold == 10


def test_what_is_declared_is_understood(declare):
    said = declare(
        calls_per_second=200, burst=20, account_concurrency=1, retry_share=None, retry_floor=0.5, circuit_failures=3
    )
    assert said.limits == Limits(calls_per_second=200.0, burst=20, account_serial=True, retry_floor=0.5)
    assert said.circuit.threshold == 3


@pytest.mark.parametrize(
    "nonsense",
    [
        {"calls_per_second": 0},
        {"calls_per_second": "many"},
        {"calls_per_second": True},
        {"calls_per_second": float("inf")},
        {"burst": 0},
        {"burst": 1.5},
        {"account_concurrency": 2},
        {"retry_share": 20},
        {"retry_share": "0.2"},
        {"retry_share": True},
        {"retry_share": []},
        {"retry_floor": -1},
        {"retry_floor": 0},
        {"retry_floor": None},
        {"burst": 10**10},
        {"circuit_failures": 0},
        {"circuit_shortest": 15},
        {"circuit_shortest": timedelta(hours=1)},
        {"call_per_second": 5},
    ],
    ids=str,
)
def test_nonsense_is_refused_with_its_name_and_a_remedy(declare, nonsense):
    with pytest.raises(ImproperlyConfigured, match=r"JOBS_VENDORS\['throttle'\].*(must be|it knows)"):
        declare(**nonsense)


@pytest.mark.parametrize("entry", [None, 200, {5: 1, "burts": 2}], ids=str)
def test_an_entry_that_is_no_dict_of_what_it_knows_is_told(settings, entry):
    settings.JOBS_VENDORS = {"throttle": entry}
    with pytest.raises(ImproperlyConfigured, match=r"JOBS_VENDORS\['throttle'\].*calls_per_second"):
        vendors.declared("throttle")


def test_the_check_tells_of_nonsense_before_a_worker_starts(declare):
    with pytest.raises(ImproperlyConfigured):
        declare(burst=0)
    with pytest.raises(SystemCheckError, match=r"jobs\.E050"):
        call_command("check")


def test_the_check_tells_of_a_vendor_that_no_task_calls(settings, capsys):
    settings.JOBS_VENDORS = {"throtle": {}}
    call_command("check")
    assert "jobs.W051" in capsys.readouterr().err


def test_a_vendor_has_one_queue_or_its_limits_would_be_those_of_each():
    tasks = [
        Throttled,
        type("Urgent", (), {"name": "tests.urgent", "queue": "default", "vendor": "throttle", "account": None}),
    ]
    (message,) = [m.msg for m in checks._vendors(tasks) if m.id == "jobs.E052"]
    assert "'throttle'" in message
    assert "default, throttled" in message


@pytest.mark.parametrize("limit", [{"account_concurrency": 1}, {"account_calls_per_second": 5}], ids=str)
def test_the_check_tells_of_a_task_without_account_where_each_is_limited(settings, limit, capsys):
    settings.JOBS_VENDORS = {"throttle": limit}
    call_command("check")
    assert "jobs.W053" in capsys.readouterr().err


def test_a_vendors_queue_takes_only_its_own_tasks_and_they_no_other_queue():
    with pytest.raises(EnqueueError, match="belongs to throttle"):
        Mark.using(queue="throttled").enqueue(name="x")
    with pytest.raises(EnqueueError, match="belongs to no vendor"):
        Throttled.using(queue="default").enqueue(number=1, seconds=1)


def test_a_vendor_whose_task_comes_later_owns_its_queue_from_then_on():
    def owners():
        return task.vendor_queues().get("later"), task.vendor_queues().get("throttled")

    assert owners() == (None, "throttle")
    made = type(
        "Later", (IdempotentTask,), {"queue": "later", "vendor": "late", "dedupe_key": None, "run": lambda _self: None}
    )
    try:
        assert owners() == ("late", "throttle")
    finally:
        del current_app.tasks[made.name]
        task._vendor_queues.cache_clear()
    assert owners() == (None, "throttle")


@pytest.mark.parametrize("priority", [101, -101, 1.5, True, "high"])
def test_a_priority_is_a_whole_number_within_a_hundred(priority):
    with pytest.raises(EnqueueError, match="whole number from -100 to 100"):
        Mark.using(priority=priority)
