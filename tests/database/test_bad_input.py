"""What a caller can get wrong: one clear error each, nothing written, and the caller's transaction lives."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import transaction

from idempotency.models import Record
from jobs import EnqueueError, KeyPartError, PayloadError, PayloadTooLargeError, UnknownQueueError
from tests.app.models import Effect
from tests.app.tasks import Echo, Mark

pytestmark = pytest.mark.django_db
NOW = datetime(2027, 5, 1, tzinfo=UTC)


def nested(levels):
    value = "the core"
    for _ in range(levels):
        value = [value]
    return value


PAYLOADS = {
    "unknown parameter": (lambda: Mark.enqueue(name="a", colour="red"), PayloadError, "colour.*It takes"),
    "missing parameter": (Mark.enqueue, PayloadError, "name.*It takes"),
    "too many arguments": (lambda: Mark.enqueue("a", "b"), PayloadError, "too many.*It takes"),
    "NaN": (lambda: Echo.enqueue(value=float("nan")), PayloadError, "value is nan.*Pass None or a text"),
    "Infinity": (lambda: Echo.enqueue(value=[float("inf")]), PayloadError, r"value\[0\] is inf.*Pass None or a text"),
    "NUL": (lambda: Mark.enqueue(name="a\x00b"), PayloadError, "name contains a NUL.*Remove it"),
    "NUL in a name": (lambda: Echo.enqueue(value={"a\x00": 1}), PayloadError, "a key of .*value contains a NUL"),
    "surrogate": (lambda: Mark.enqueue(name="\ud800"), PayloadError, "half a surrogate pair.*errors='replace'"),
    "bytes": (lambda: Echo.enqueue(value=b"abc"), PayloadError, "is a bytes.*base64"),
    "set": (lambda: Echo.enqueue(value={1, 2}), PayloadError, "is a set.*Pass text, numbers, lists"),
    "Decimal": (lambda: Echo.enqueue(value=Decimal("1.5")), PayloadError, "is a Decimal.*Pass text"),
    "datetime": (lambda: Echo.enqueue(value=NOW), PayloadError, "is a datetime.*isoformat"),
    "naive datetime": (
        lambda: Echo.enqueue(value=NOW.replace(tzinfo=None)),
        PayloadError,
        "is a datetime.*isoformat",
    ),
    "model instance": (lambda: Echo.enqueue(value=Effect(name="a")), PayloadError, "is a Effect.*primary key"),
    "object": (lambda: Echo.enqueue(value=object()), PayloadError, "is a object.*Pass text"),
    "two megabytes": (lambda: Echo.enqueue(value="x" * 2_000_000), PayloadTooLargeError, "JOBS_MAX_PAYLOAD.*its id"),
    "forty levels": (lambda: Echo.enqueue(value=nested(40)), PayloadError, "deeper than 32 levels. Flatten"),
    "huge integer": (lambda: Echo.enqueue(value=10**5000), PayloadError, "more than 4,200 digits. Pass it as text"),
    "number as a name": (lambda: Echo.enqueue(value={1: "a"}), PayloadError, r"has the key 1.*str\(1\)"),
}
KEY_PARTS = {
    "None": (lambda: Mark.enqueue(name=None), "is None.*Pass the value"),
    "empty": (lambda: Mark.enqueue(name=""), "empty or with outer blanks. Strip it"),
    "padded": (lambda: Mark.enqueue(name=" a"), "outer blanks. Strip it"),
    "bool": (lambda: Mark.enqueue(name=True), "of type bool.*str, an int or a UUID"),
    "float": (lambda: Mark.enqueue(name=1.5), "of type float.*str, an int or a UUID"),
    "list": (lambda: Mark.enqueue(name=["a"]), "of type list.*str, an int or a UUID"),
    "document": (lambda: Mark.enqueue(name="x" * 10_000), "10000 bytes; at most 1024"),
}
OPTIONS = {
    "naive run_after": (lambda: Mark.using(run_after=datetime(2027, 5, 1)), "without a time zone.*make_aware"),  # noqa: DTZ001
    "run_after as text": (lambda: Mark.using(run_after="tomorrow"), "run_after.*datetime"),
    "year 9999": (lambda: Mark.using(run_after=datetime(9999, 12, 31, tzinfo=UTC)), "ten years.*Check the year"),
    "negative delay": (lambda: Mark.using(delay=timedelta(seconds=-1)), "in the past. Leave it out"),
    "delay as number": (lambda: Mark.using(delay=5), "timedelta"),
    "absurd delay": (lambda: Mark.using(delay=timedelta(days=300_000)), "ten years. Check the unit"),
    "negative countdown": (lambda: Mark().apply_async(("a",), countdown=-3), "in the past"),
    "NaN countdown": (lambda: Mark().apply_async(("a",), countdown=float("nan")), "countdown.*seconds"),
    "infinite countdown": (lambda: Mark().apply_async(("a",), countdown=float("inf")), "countdown.*seconds"),
    "absurd countdown": (lambda: Mark().apply_async(("a",), countdown=1e12), "ten years|countdown"),
    "countdown as text": (lambda: Mark().apply_async(("a",), countdown="5"), "countdown.*seconds"),
    "naive eta": (lambda: Mark().apply_async(("a",), eta=datetime(2027, 5, 1)), "without a time zone"),  # noqa: DTZ001
    "expires": (lambda: Mark().apply_async(("a",), expires=60), "cannot honour expires. Leave it out"),
    "chord": (lambda: Mark().apply_async(("a",), chord=Mark().s("b")), "chord.*commit"),
    "id that is none": (lambda: Mark().apply_async(("a",), task_id="mine"), "task_id.*UUID"),
    "NUL behind the job": (lambda: Mark().apply_async(("a",), link=Mark().si("\x00")), "NUL"),
    "no JSON behind the job": (lambda: Mark().apply_async(("a",), link=Mark().si({1})), "set"),
}


def refused(call, kind, words):
    with transaction.atomic():
        Effect.objects.create(name="before")
        with pytest.raises(kind, match=words):
            call()
        Effect.objects.create(name="after")
    assert Effect.objects.count() == 2
    assert not Record.objects.exists()


@pytest.mark.parametrize(("call", "kind", "words"), PAYLOADS.values(), ids=PAYLOADS)
def test_a_payload_that_cannot_be_kept_is_refused(call, kind, words):
    assert issubclass(kind, EnqueueError)
    refused(call, kind, words)


@pytest.mark.parametrize(("call", "words"), KEY_PARTS.values(), ids=KEY_PARTS)
def test_a_key_part_that_names_nothing_is_refused(call, words):
    refused(call, KeyPartError, words)


@pytest.mark.parametrize(("call", "words"), OPTIONS.values(), ids=OPTIONS)
def test_an_option_that_a_record_cannot_honour_is_refused(call, words):
    refused(call, EnqueueError, words)


def test_a_queue_that_nobody_declared_is_refused():
    refused(lambda: Mark.using(queue="nowhere").enqueue(name="a"), UnknownQueueError, "nowhere.*Declare it")


def test_one_bad_payload_of_many_refuses_them_all():
    payloads = [*({"name": f"n{i}"} for i in range(1500)), {"name": None}]
    refused(lambda: Mark.enqueue_many(payloads), KeyPartError, "is None")


def test_a_moment_that_has_passed_means_now():
    Mark.using(run_after=datetime(1, 1, 1, tzinfo=UTC)).enqueue(name="a")
    record = Record.objects.get()
    assert record.available_at == record.created_at
