"""A record that a person lets rest: discarded, or replaced by a successor with a corrected payload under its key."""

import json
from uuid import UUID

import pytest

from idempotency import transitions
from idempotency.claims import Seen
from idempotency.states import Reason
from tests.records import OOPS, ask, claim, enqueue, key_of, request, rows


def given_up(own, *, acted=False):
    """A dead letter under key a, as a person sees it; `acted`: its effect may have happened."""
    enqueue(own, "a")
    (mine,) = claim(own)
    if acted:
        transitions.intend(own, mine)
    transitions.dead_letter(own, mine, reason=Reason.UNKNOWN_OUTCOME if acted else Reason.POISON, problem=OOPS)
    return Seen(mine.id, mine.fencing_token)


def correct(own, seen, *, nothing_done=False):
    """The successor's id, or None where the statement found no row."""
    corrected = request("a", json.dumps({"corrected": True}))
    queue = transitions.supersede(
        own, seen, corrected, payload_version=1, by="ann", why="a typo", nothing_done=nothing_done
    )
    return UUID(corrected.id) if queue else None


def seen_now(own, id_):
    return Seen(id_, rows(own, "fencing_token")[id_])


def test_a_successor_takes_the_key_and_the_old_record_rests(own):
    old = given_up(own)
    new = correct(own, old)
    assert rows(own, "state", "key", "resolution", "replaces") == {
        old.id: ("dead_lettered", None, "superseded", None),
        new: ("queued", key_of("a"), None, old.id),
    }
    (found,) = ask(own, "a")
    assert found.id == new


def test_while_its_effect_may_have_happened_nothing_replaces_it_unless_somebody_looked(own):
    old = given_up(own, acted=True)
    assert correct(own, old) is None
    assert correct(own, old, nothing_done=True)


def test_a_record_is_replaced_once(own):
    old = given_up(own)
    assert correct(own, old)
    assert correct(own, old) is None
    assert correct(own, seen_now(own, old.id)) is None


def test_what_was_replaced_never_runs_again(own):
    old = given_up(own)
    assert correct(own, old)
    assert transitions.replay(own, [seen_now(own, old.id)]) == {}
    assert rows(own, "state")[old.id] == "dead_lettered"


def test_nothing_replaces_a_record_that_a_page_shows_as_it_no_longer_is(own):
    old = given_up(own)
    transitions.replay(own, [old])
    assert correct(own, old) is None
    (again,) = claim(own)
    transitions.fail(own, again, OOPS)
    assert correct(own, old) is None


@pytest.mark.parametrize("arrow", [correct, lambda own, seen: transitions.discard(own, [seen], by="ann", why="old")])
def test_a_success_is_neither_replaced_nor_discarded(own, arrow):
    enqueue(own, "a")
    (mine,) = claim(own)
    transitions.succeed(own, [mine], ["1"])
    assert not arrow(own, Seen(mine.id, mine.fencing_token))
    assert rows(own, "state", "resolution")[mine.id] == ("succeeded", None)


def test_a_discarded_record_is_discarded_once_and_by_what_the_page_showed(own):
    old = given_up(own)
    assert transitions.discard(own, [Seen(old.id, old.token + 1)], by="bob", why="a guess") == set()
    assert transitions.discard(own, [old], by="ann", why="it is settled by hand") == {old.id}
    assert transitions.discard(own, [seen_now(own, old.id)], by="bob", why="again") == set()
    assert transitions.replay(own, [old]) == {}, "a page from before the discard decides nothing"
    assert rows(own, "state", "resolution", "resolved_by")[old.id] == ("dead_lettered", "discarded", "ann")
