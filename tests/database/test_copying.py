"""What COPY writes is what INSERT writes, whatever is in it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from idempotency import transitions
from idempotency.models import Record
from tests.records import TERMS, assert_balanced, by_hand, request

pytestmark = pytest.mark.django_db

UNEQUAL = {"id", "created_at", "available_at"}
ODD = 'a\ttab, a\nline, a\rreturn, a \\ and \\N and \\. and a "quote", {braces}, \x01, ü and \U0001f600'
PAYLOADS = [
    "{}",
    '{"text":"a \\\\ and \\t and \\n and \\" and \\\\N, ü","number":1.5e300}',
    '{"nested":{"list":[1,null,true,"\\\\."]}}',
]


def column_values(record):
    return {f.name: getattr(record, f.name) for f in Record._meta.get_fields() if f.concrete and f.name not in UNEQUAL}


@pytest.mark.parametrize(
    "terms",
    [
        {},
        {"priority": -7, "calls": 3, "solo": True, "max_attempts": 9, "payload_version": 4},
        {"held": True},
        {"delay": timedelta(hours=1)},
        {"run_after": datetime(2031, 2, 3, 4, 5, 6, 789, tzinfo=UTC)},
        {"task": ODD, "options": '{"chain":["a \\\\ tab \\t"]}'},
    ],
    ids=str,
)
@pytest.mark.parametrize("account", ["", ODD])
def test_copied_records_are_as_inserted_ones(terms, account):
    terms = replace(TERMS, **terms)
    asked = [[request(payload=payload, account=account) for payload in PAYLOADS] for _ in range(2)]
    claimable = transitions.enqueue_new(connection, terms, [asked[0][:1], asked[0][1:]])
    inserted = transitions.enqueue(connection, terms, asked[1])
    assert {found.claimable for found in inserted} == {claimable}
    copied, inserted = ([Record.objects.get(id=r.id) for r in requests] for requests in asked)
    assert [*map(column_values, copied)] == [*map(column_values, inserted)]
    for one, other in zip(copied, inserted, strict=True):
        assert other.created_at - one.created_at < timedelta(seconds=30)
        assert one.available_at == (terms.run_after or one.created_at + terms.delay)
    assert_balanced(connection)


def test_a_paused_queue_is_not_worth_a_hint():
    by_hand(connection, "INSERT INTO idempotency_queue (name, paused_at) VALUES ('default', now())")
    assert not transitions.enqueue_new(connection, TERMS, [[request()]])
