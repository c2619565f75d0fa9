"""The models speak of our machine: the same arrows, the same files, the same guards."""

import pytest

from idempotency.statements import SQL, statement
from idempotency.states import ARROWS
from tests.explorer.binding import GUARDS, RAISES
from tests.explorer.engine import explore
from tests.explorer.life import Life
from tests.explorer.person import Person

NAMES = sorted({a.name for a in ARROWS})


def text_of(name):
    return " ".join(statement(name).split())


@pytest.fixture(scope="module")
def seen():
    """Arrows that the exploration took; a record begins with enqueue."""
    life, person = Life("life"), Person("review", replays=1, rests=True)
    explore(life)
    explore(person)
    return life.judge.seen | person.judge.seen | {("enqueue", None, "queued")}


def test_the_models_take_every_arrow_of_the_state_machine_and_no_other(seen):
    assert seen == {(a.name, a.source and a.source.value, a.target.value) for a in ARROWS}


@pytest.mark.parametrize("name", NAMES)
def test_each_arrow_is_a_statement_whose_first_line_names_it(name):
    assert (SQL / f"{name}.sql").read_text().splitlines()[0].endswith(f": {name}")


@pytest.mark.parametrize("name", NAMES)
def test_the_guard_of_each_arrow_is_bound(name):
    assert GUARDS[name]


@pytest.mark.parametrize("name", GUARDS)
def test_the_guard_in_the_sql_is_the_one_that_was_explored(name):
    text = text_of(name)
    missing = [part for part in GUARDS[name] if part not in text]
    assert not missing, f"{name}.sql has another guard than the model: change tests/explorer with it"


@pytest.mark.parametrize("name", RAISES)
def test_what_a_statement_raises_is_raised_in_the_model(name):
    text = text_of(name)
    assert not [part for part in RAISES[name] if part not in text]
