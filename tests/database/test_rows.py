"""The table's constraints refuse what the state machine does not know; its guard, which comes first, is set aside."""

import psycopg
import pytest

from idempotency.statements import SQL, statement
from idempotency.states import ARROWS, REVIEWABLE, TERMINAL, Reason, State
from tests.records import by_hand, enqueue

LEASED = {"lease_id": "0198c5f2-0000-7000-8000-000000000000", "lease_expires_at": "2027-01-01"}
FINISHED = {"finished_at": "2027-01-01"}


def legal(state):
    """What a row in this state must have beside a fresh record's columns."""
    return (
        {"state": str(state)}
        | ({} if state is State.QUEUED else {"line": None})
        | (LEASED if state is State.PROCESSING else {})
        | (FINISHED if state in TERMINAL else {})
        | ({"reason": "permanent"} if state in REVIEWABLE else {})
    )


def write(own, columns):
    enqueue(own, None)
    by_hand(own, f"UPDATE idempotency_record SET {', '.join(f'{name} = %s' for name in columns)}", *columns.values())


@pytest.mark.parametrize("state", State)
def test_the_table_knows_each_state(own, state):
    write(own, legal(state))


@pytest.mark.parametrize("reason", Reason)
def test_the_table_knows_each_reason(own, reason):
    write(own, legal(State.DEAD_LETTERED) | {"reason": str(reason)})


ILLEGAL = {
    "unknown state": {"state": "running"},
    "unknown reason": legal(State.DEAD_LETTERED) | {"reason": "tired"},
    "processing without a lease": legal(State.PROCESSING) | {"lease_id": None},
    "processing without an end of the lease": legal(State.PROCESSING) | {"lease_expires_at": None},
    "a lease while queued": {"lease_expires_at": "2027-01-01"},
    "parked while processing": legal(State.PROCESSING) | {"parked_reason": "no worker"},
    "a reason while queued": {"reason": "permanent"},
    "finished while queued": FINISHED,
    "more attempts than the cap": {"attempt": 4},
    "no attempt at all": {"max_attempts": 0},
    "attempts below zero": {"attempt": -1},
    **{f"{state} without an end": legal(state) | {"finished_at": None} for state in TERMINAL},
    **{f"{state} with a lease": legal(state) | LEASED for state in TERMINAL},
    **{f"{state} without a reason": legal(state) | {"reason": None} for state in REVIEWABLE},
    "succeeded with a reason": legal(State.SUCCEEDED) | {"reason": "permanent"},
}


@pytest.mark.parametrize("columns", ILLEGAL.values(), ids=ILLEGAL)
def test_the_table_refuses(own, columns):
    with pytest.raises(psycopg.errors.CheckViolation):
        write(own, columns)


def test_the_table_refuses_a_second_record_for_a_key(own):
    enqueue(own, "a", None)
    with pytest.raises(psycopg.errors.UniqueViolation):
        own.execute("UPDATE idempotency_record SET key = (SELECT max(key::text)::uuid FROM idempotency_record)")


def first_line(name):
    return (SQL / f"{name}.sql").read_text().splitlines()[0]


@pytest.mark.parametrize("name", sorted({arrow.name for arrow in ARROWS}))
def test_each_arrow_has_a_file_whose_first_line_names_it(name):
    line = first_line(name)
    assert line.endswith(f": {name}")
    for arrow in ARROWS:
        if arrow.name == name:
            assert str(arrow.source or "none") in line.partition("→")[0]
            assert str(arrow.target) in line.partition("→")[2]


def test_each_file_that_sets_a_state_belongs_to_an_arrow():
    setting = {
        first_line(path.stem).rpartition(": ")[2]
        for path in SQL.glob("*.sql")
        if not path.name.endswith(".part.sql")
        if "SET state" in (text := statement(path.stem)) or "INSERT INTO idempotency_record" in text
    }
    assert setting == {arrow.name for arrow in ARROWS if arrow.source != arrow.target}


@pytest.mark.parametrize("path", sorted(SQL.glob("*.sql")), ids=lambda path: path.stem)
def test_each_file_says_on_its_first_line_what_it_is_and_fits_a_screen(path):
    assert path.name.endswith(".part.sql") or path.read_text().startswith("-- ")
    assert len(path.read_text().splitlines()) <= 25
