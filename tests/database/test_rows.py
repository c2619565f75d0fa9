"""The table's constraints refuse what the state machine does not know; its guard, which comes first, is set aside."""

import psycopg
import pytest

from idempotency.models import COUNTS
from idempotency.statements import SQL, statement
from idempotency.states import ARROWS, REVIEWABLE, TERMINAL, Reason, State
from tests.records import by_hand, enqueue

LEASED = {"lease_id": "0198c5f2-0000-7000-8000-000000000000", "lease_expires_at": "2027-01-01"}
FINISHED = {"finished_at": "2027-01-01"}
RESOLVED = {"resolved_at": "2027-01-01", "resolved_by": "ann", "resolution": "discarded"}
# All that a row's shape consists of, each as it may be.
SHAPES = """
    SELECT * FROM unnest(%s::text[]) AS state (state),
        (VALUES (NULL::timestamptz), (now())) AS l (lease_expires_at),
        (VALUES (NULL::uuid), (gen_random_uuid())) AS i (lease_id),
        (VALUES (NULL::timestamptz), (now())) AS f (finished_at),
        (VALUES (NULL::text), ('poison')) AS r (reason),
        (VALUES (NULL::text), ('no worker')) AS p (parked_reason),
        (VALUES (NULL::smallint), (0)) AS n (line),
        (VALUES (false), (true)) AS h (held)
"""


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
    **{f"{name} below zero": {name: -1} for name in COUNTS},
    "resolved by nobody": legal(State.DEAD_LETTERED) | RESOLVED | {"resolved_by": None},
    "resolved at no time": legal(State.DEAD_LETTERED) | RESOLVED | {"resolved_at": None},
    "resolved in no way": legal(State.DEAD_LETTERED) | RESOLVED | {"resolution": None},
    "resolved in an unknown way": legal(State.DEAD_LETTERED) | RESOLVED | {"resolution": "forgotten"},
    "resolved while queued": RESOLVED,
    "resolved though succeeded": legal(State.SUCCEEDED) | RESOLVED,
    **{f"{state} without an end": legal(state) | {"finished_at": None} for state in TERMINAL},
    **{f"{state} with a lease": legal(state) | LEASED for state in TERMINAL},
    **{f"{state} without a reason": legal(state) | {"reason": None} for state in REVIEWABLE},
    "succeeded with a reason": legal(State.SUCCEEDED) | {"reason": "permanent"},
}


def is_sound(state, filled, held):
    """Whether a row may be like this: of each column, in the order of SHAPES, whether it is filled."""
    leased, lease, finished, reason, parked, line = filled
    if state != State.QUEUED and (parked or line or held):
        return False
    return (
        leased == (state == State.PROCESSING)
        and (lease or not leased)
        and finished == (state in TERMINAL)
        and reason == (state in REVIEWABLE)
        and not (line and (parked or held))
    )


def test_a_state_and_what_goes_with_it_are_sound_or_refused(own):
    (rule,) = own.execute(
        "SELECT pg_get_expr(conbin, conrelid) FROM pg_constraint WHERE conname = 'record_shape'"
    ).fetchone()
    shapes = own.execute(f"SELECT *, {rule} FROM ({SHAPES}) AS shapes", ([*State, "running"],)).fetchall()
    assert len(shapes) == 6 * 2**7
    for state, *columns, held, allowed in shapes:
        filled = [column is not None for column in columns]
        assert allowed == (state in set(State) and is_sound(state, filled, held)), (state, filled, held)


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
