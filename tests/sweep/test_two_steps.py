"""A task of two steps, swept: whatever dies, its result is made of what its steps have kept."""

import pytest

from idempotency.models import Record, Step
from jobs.testing import crash_sweep
from tests.app.stepping import ChargeThenShip

pytestmark = pytest.mark.timeout(3600)


def order(number):
    return {"number": number}


def made_of_kept_steps(payload):
    record = Record.objects.get(task=ChargeThenShip.name, payload__number=payload["number"])
    assert record.result == dict(Step.objects.filter(record=record).values_list("name", "result"))


def test_a_step_that_was_kept_is_what_every_later_attempt_goes_on_from(swept, pairs):
    sweep = swept(
        crash_sweep(
            ChargeThenShip,
            payload=order,
            check=made_of_kept_steps,
            pairs=pairs,
            also=["tests.app.stepping.deed"],
        )
    )
    names = sweep.names("worker")
    assert names.count("own tests.app.stepping.deed") == 2
    assert names.count("sql+commit processing: keep what a step returned, unless an attempt before this one has") == 2
