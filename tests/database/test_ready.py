"""What is made of a claim's jobs before the first of them runs."""

import pytest

from jobs.own_connection import OwnConnection
from jobs.worker.ready import Readying
from jobs.worker.settle import Settler
from tests.app.tasks import Echo
from tests.records import claim

HEADERS = {"traceparent": "00"}
SAID = None, None, {"headers": HEADERS, "root_id": "r", "parent_id": "p", "group_id": "g"}, {"headers": HEADERS}


@pytest.fixture
def readying(committing):
    own = OwnConnection("jobs test")
    yield Readying("celery@here", Settler(own, lambda: False))
    own.close()


@pytest.fixture
def claimed(committing):
    """`claimed(2)` asks for two jobs and claims them."""

    def of(count):
        Echo.enqueue_many({"value": number} for number in range(count))
        return claim(committing, queue=Echo.queue)

    return of


def test_each_is_made_with_its_own_request(claimed, readying):
    batch = claimed(2)
    made = readying.all(batch)
    assert [ready.claimed for ready in made] == batch
    assert len({id(ready.request) for ready in made}) == len({ready.request["id"] for ready in made}) == 2
    assert all(vars(ready.context) is ready.request and ready.job.fits for ready in made)


def test_what_a_body_writes_into_its_request_meets_no_other(claimed, readying):
    batch = [one._replace(options=options) for one, options in zip(claimed(4), SAID, strict=True)]
    first, other, second, third = (ready.request for ready in readying.all(batch))
    own = [name for name, value in first.items() if isinstance(value, (dict, list))]
    assert sorted(own) == ["args", "delivery_info", "headers", "kwargs"]
    assert all(len({id(request[name]) for request in (first, other, second, third)}) == 4 for name in own)
    assert second["headers"] == third["headers"] == HEADERS
    assert (first["headers"], first["root_id"], first["parent_id"], first["group"]) == ({}, first["id"], None, None)
    assert (second["root_id"], second["parent_id"], second["group"]) == ("r", "p", "g")
    assert first["kwargs"] == batch[0].payload


def test_one_that_cannot_be_made_harms_no_other(claimed, readying):
    good, bad = claimed(2)
    bad = bad._replace(payload=7)
    assert readying.all([good, bad]) == [None, None]
    assert readying.one(good).claimed == good
    with pytest.raises(AttributeError):
        readying.one(bad)


def test_nobody_knows_what_a_newer_release_has_written(claimed, readying):
    known, newer, other = claimed(3)
    newer = newer._replace(payload_version=Echo.payload_version + 1)
    other = other._replace(task="tests.unknown")
    assert [ready and ready.claimed for ready in readying.all([known, newer, other])] == [known, None, None]
    assert readying.one(newer) is readying.one(other) is None


def test_how_long_a_job_takes_is_remembered_from_claim_to_claim(claimed, readying):
    first, second = claimed(2)
    readying.one(first).kind.took(2.0)
    assert readying.one(second).kind.seconds == 2.0
