"""Durable steps, checkpoints and progress: what an attempt has kept, the next one finds."""

import pytest

from jobs import JobFailedError, JobResult
from tests.app.models import Effect
from tests.app.stepping import KilledBetweenSteps, StepsInsideTransaction, StepWithNewArguments, WalksWithCheckpoints


@pytest.fixture
def _worker(spawn_worker, spawn_relay):
    spawn_worker("default", concurrency=1)
    spawn_relay()


def effects(name):
    return Effect.objects.filter(name=name).count()


@pytest.mark.usefixtures("_worker")
def test_an_attempt_after_a_death_goes_on_behind_the_last_kept_step():
    job = KilledBetweenSteps.enqueue(number=1)
    result = JobResult(str(job.id)).get(timeout=120)
    assert result == {"first": "made by attempt 1", "second": "made by attempt 2"}
    assert (effects("first 1"), effects("second 1")) == (1, 1)


@pytest.mark.usefixtures("_worker")
def test_a_step_asked_for_with_other_arguments_is_an_error_with_a_remedy():
    job = StepWithNewArguments.enqueue(number=1)
    result = JobResult(str(job.id))
    with pytest.raises(JobFailedError, match=r"with other arguments.*a name of its own"):
        result.get(timeout=120)
    assert result.state == "failed_permanent"


@pytest.mark.usefixtures("_worker")
def test_a_walk_goes_on_from_its_newest_checkpoint():
    job = WalksWithCheckpoints.enqueue(last=6, die_at=4)
    assert JobResult(str(job.id)).get(timeout=120) == {"walked": [4, 5, 6]}
    assert [effects(f"stone {n}") for n in range(1, 7)] == [1, 1, 1, 2, 1, 1]  # the one it died on is walked again


@pytest.mark.usefixtures("_worker")
def test_a_step_inside_a_transaction_is_refused_because_a_rollback_would_leave_its_result():
    job = StepsInsideTransaction.enqueue(number=1)
    with pytest.raises(JobFailedError, match=r"may still roll back.*Leave the atomic block"):
        JobResult(str(job.id)).get(timeout=120)
