"""What makes two requests the same work: never more and never less than the parts of the key."""

import enum
import json
from unicodedata import normalize
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idempotency.errors import PayloadError
from idempotency.keys import dedupe_key
from idempotency.payload import dumps, fingerprint
from jobs import calls

PARTS = st.one_of(st.integers(), st.text(min_size=1).filter(lambda t: t == t.strip() and "\x00" not in t))


def key(*values, task="t"):
    return dedupe_key(task, [(f"p{i}", value) for i, value in enumerate(values)])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("a:b", "c"), ("a", "b:c")),
        ((1,), ("1",)),
        (("a", "b"), ("ab",)),
        (("a",), ("A",)),
        ((12, 3), (1, 23)),
        (("s1:a",), ("a",)),
    ],
)
def test_keys_that_only_look_alike_differ(one, other):
    assert key(*one) != key(*other)


def test_a_name_is_one_name_however_its_accents_were_typed():
    assert key("Caf\u00e9") == key("Cafe\u0301")


def test_the_task_is_part_of_the_key():
    assert key("a", task="t") != key("a", task="u")


def test_a_uuid_is_named_by_its_text():
    one = uuid4()
    assert key(one) == key(str(one))


def test_a_key_fits_the_column():
    assert isinstance(key("a"), UUID)


@given(st.lists(PARTS, min_size=1, max_size=4), st.lists(PARTS, min_size=1, max_size=4))
def test_equal_parts_and_no_others_make_equal_keys(one, other):
    def named(parts):
        return [normalize("NFC", p) if isinstance(p, str) else p for p in parts]

    assert (key(*one) == key(*other)) == (named(one) == named(other))


def test_a_member_of_an_enumeration_is_the_text_it_is_stored_as():
    class Plan(str, enum.Enum):  # noqa: UP042 - the older form, whose str() is not its value
        GOLD = "gold"

    def run(plan): ...

    signature = calls.signature_of(run, "t", bound=False)
    form = calls.form_of("t", ("plan",), signature)
    one, other = (form.request({"plan": plan}, limit=100) for plan in (Plan.GOLD, "gold"))
    assert (one.key, one.fingerprint) == (other.key, other.fingerprint)


def test_the_fingerprint_does_not_depend_on_the_order_of_names():
    assert fingerprint({"a": 1, "b": [2]}) == fingerprint({"b": [2], "a": 1})


@pytest.mark.parametrize(("one", "other"), [(1, 1.0), (1, True), (1, "1"), (None, 0), ([], {}), ([1, 2], [2, 1])])
def test_payloads_that_differ_have_different_fingerprints(one, other):
    assert fingerprint({"value": one}) != fingerprint({"value": other})


def test_a_parameter_that_a_later_release_adds_does_not_change_yesterdays_request():
    def yesterday(a): ...

    def today(a, b=None): ...

    requests = [
        calls.form_of("t", ("a",), calls.signature_of(run, "t", bound=False)).request({"a": 1, **more}, limit=100)
        for run, more in ((yesterday, {}), (today, {}), (today, {"b": None}))
    ]
    assert len({(r.key, r.fingerprint) for r in requests}) == 1


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text()),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(), inner, max_size=4)),
    max_leaves=20,
)


@given(JSON)
def test_json_is_taken_or_refused_and_never_changed(value):
    try:
        text = dumps(value, limit=100_000)
    except PayloadError:
        return
    assert json.loads(text) == value
