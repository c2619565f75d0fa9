"""The table's own guard: what no arrow allows is refused by PostgreSQL itself, whoever writes it."""

from contextlib import suppress
from itertools import product

import psycopg
import pytest

from idempotency.states import ARROWS, TERMINAL, State
from tests.records import by_hand, enqueue, rows

MOVES = {(a.source, a.target) for a in ARROWS}
ALL = [(source, target) for source in State for target in State if source is not target]
# What else each target demands, so that only the move itself is in question.
LEASED = "lease_id = gen_random_uuid(), lease_expires_at = statement_timestamp(), line = NULL"
OVER = "lease_expires_at = NULL, finished_at = statement_timestamp(), line = NULL"
DEMANDS = {
    State.QUEUED: "lease_expires_at = NULL, finished_at = NULL, reason = NULL",
    State.PROCESSING: f"{LEASED}, finished_at = NULL, reason = NULL",
    State.SUCCEEDED: f"{OVER}, reason = NULL",
    State.FAILED_PERMANENT: f"{OVER}, reason = 'permanent'",
    State.DEAD_LETTERED: f"{OVER}, reason = 'poison'",
}


def record_in(own, state):
    """A record with token 5, in its second attempt."""
    (id_,) = enqueue(own, None)
    changes = f"state = '{state}', fencing_token = 5, attempt = 2, {DEMANDS[state]}"
    by_hand(own, f"UPDATE idempotency_record SET {changes} WHERE id = %s", id_)
    return id_


def update(own, id_, changes):
    with own.transaction():
        return own.execute(f"UPDATE idempotency_record SET {changes} WHERE id = %s", (id_,)).rowcount


def changes_of(source, target):
    """The move with all that goes with it: a claim and a replay raise the token, a replay gives all attempts."""
    changes = [f"state = '{target}'", DEMANDS[target]]
    if target is State.PROCESSING:
        changes += ["fencing_token = 6", "attempt = 3"]
    if target is State.QUEUED and source in TERMINAL:
        changes += ["fencing_token = 6", "attempt = 0"]
    return ", ".join(changes)


@pytest.mark.parametrize(("source", "target"), ALL)
def test_the_table_allows_the_moves_of_the_state_machine_and_no_other(own, source, target):
    id_ = record_in(own, source)
    if (source, target) in MOVES:
        assert update(own, id_, changes_of(source, target)) == 1
        return
    with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState, match="no arrow of the state machine"):
        update(own, id_, changes_of(source, target))
    assert rows(own, "state")[id_] == source


@pytest.mark.parametrize(
    ("source", "changes"),
    [
        (State.QUEUED, f"state = 'processing', fencing_token = 5, attempt = 3, {LEASED}"),
        (State.QUEUED, f"state = 'processing', fencing_token = 6, attempt = 2, {LEASED}"),
        (State.PROCESSING, f"state = 'succeeded', fencing_token = 6, {OVER}"),
        (State.PROCESSING, "state = 'queued', attempt = 0, lease_expires_at = NULL"),
        (State.PROCESSING, "fencing_token = 6"),
        (State.PROCESSING, "fencing_token = 4"),
        (State.PROCESSING, "lease_id = gen_random_uuid()"),
        (State.QUEUED, "attempt = 0"),
        (State.QUEUED, "max_attempts = 99"),
        (State.QUEUED, "task = 'another'"),
        (State.QUEUED, "fingerprint = gen_random_uuid()"),
        (State.DEAD_LETTERED, "state = 'queued', attempt = 0, finished_at = NULL, reason = NULL"),
        (State.DEAD_LETTERED, "state = 'queued', fencing_token = 6, finished_at = NULL, reason = NULL"),
    ],
)
def test_a_write_that_forgot_its_guard_is_refused(own, source, changes):
    id_ = record_in(own, source)
    with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState) as refused:
        update(own, id_, changes)
    assert "never by hand" in refused.value.diag.message_hint


def is_arrow(source, target, token, attempt):
    """What the table allows a record with token 5 in its second attempt to become, whatever else goes with it."""
    raised, counted = token - 5, attempt - 2
    if source is target:
        return raised == counted == 0
    if source is State.QUEUED and target is State.PROCESSING:
        return raised == counted == 1
    if source is State.PROCESSING:
        return raised == 0 and (counted == 0 or (target is State.QUEUED and counted == -1))
    if target is State.QUEUED:
        return source is not State.SUCCEEDED and raised == 1 and attempt == 0
    return source is State.QUEUED and target is not State.SUCCEEDED and raised == 0


@pytest.mark.parametrize("source", State)
def test_tokens_and_attempts_go_with_each_move_as_its_arrow_says(own, source):
    id_ = record_in(own, source)
    told = {}
    for target, token, attempt in product(State, (4, 5, 6), (0, 1, 2, 3)):
        demands = "held = false" if target is source else DEMANDS[target]
        changes = f"state = '{target}', {demands}, fencing_token = {token}, attempt = {attempt}"
        with suppress(psycopg.errors.ObjectNotInPrerequisiteState), own.transaction():
            told[target, token, attempt] = False
            told[target, token, attempt] = update(own, id_, changes) == 1
            raise psycopg.Rollback
    assert told == {move: is_arrow(source, *move) for move in told}


@pytest.mark.parametrize("state", State)
def test_only_what_has_succeeded_can_be_deleted(own, state):
    id_ = record_in(own, state)
    if state is State.SUCCEEDED:
        assert own.execute("DELETE FROM idempotency_record WHERE id = %s", (id_,)).rowcount == 1
        return
    with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState, match="only a succeeded record may be deleted"):
        own.execute("DELETE FROM idempotency_record WHERE id = %s", (id_,))
