"""Plain jobs, swept: this is `jobs` itself, from the caller's first statement to the relay's last."""

import pytest

from jobs.testing import crash_sweep
from tests.app.models import Effect
from tests.app.tasks import FailTimes, Mark, MarkAlone, MarkInCommit, mark_each_time
from tests.sweep.ordering import assert_in_order

pytestmark = pytest.mark.timeout(3600)

CALLER = ["sql none → queued: enqueue", "commit COMMIT", "publish to default"]
WORKER = ["get from default", "ack of the message", "sql+commit queued → processing: claim"]
RELAY = [
    "sql+commit processing → queued, or dead_lettered at a cap: reap",
    "sql+commit queued → dead_lettered: exhaust",
    "publish to default",
    "commit COMMIT",
]


def named(number):
    return {"name": f"run {number}"}


def marks(payload):
    return Effect.objects.filter(name__startswith=payload["name"]).count()


def test_a_commit_happens_once_whoever_dies_wherever(swept):
    """With every pair of two workers, because here they are few."""

    def once(payload):
        assert Effect.objects.filter(name=f"{payload['name']} of length {len(payload['name'])}").count() == 1

    sweep = swept(crash_sweep(MarkInCommit, payload=named, effects=marks, check=once))
    assert_in_order(CALLER, sweep.names("caller"))
    assert_in_order([*WORKER, "sql processing → succeeded: succeed", "commit COMMIT"], sweep.names("worker"))
    assert_in_order(RELAY, sweep.names("relay"))
    assert sweep.deaths == 2 * sum(map(len, sweep.boundaries.values()))
    assert sweep.pairs > len(sweep.boundaries["worker"]) ** 2 / 2


def test_a_job_whose_settle_may_share_a_commit_with_others(swept, pairs):
    def ran(payload):
        assert marks(payload) >= 1

    sweep = swept(crash_sweep(Mark, payload=named, pairs=pairs, check=ran))
    assert_in_order([*WORKER, "sql+commit processing → succeeded: succeed"], sweep.names("worker"))


def test_an_effect_that_cannot_be_rolled_back_happens_at_most_once(swept, pairs):
    swept(crash_sweep(MarkAlone, payload=named, effects=marks, pairs=pairs))


def test_a_job_that_fails_first_and_then_succeeds(swept, pairs):
    sweep = swept(crash_sweep(FailTimes, payload=lambda number: named(number) | {"times": 1}, pairs=pairs))
    settles = ["sql+commit processing → queued, or dead_lettered at the attempt cap: retry"]
    assert_in_order([*WORKER, *settles, *WORKER, "sql+commit processing → succeeded: succeed"], sweep.names("worker"))


def test_a_job_without_a_key_is_one_job_for_each_time_its_caller_was_told_so(swept, pairs):
    swept(crash_sweep(mark_each_time, payload={"name": "each"}, pairs=pairs))
