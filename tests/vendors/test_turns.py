"""Whose job starts first: accounts take turns, priorities overtake, and waiting counts."""

from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection

from tests.app.bench import Write
from tests.processes import wait_until
from tests.records import by_hand
from tests.vendors.work import start_fleet

pytestmark = pytest.mark.usefixtures("transactional_db")


@pytest.fixture
def book(tmp_path):
    """Who has started, in that order."""
    path = tmp_path / "started"
    path.touch()
    return path


def write(book: Path, names, account: str = "", priority: int = 0) -> None:
    Write.using(priority=priority).enqueue_many({"name": name, "path": str(book), "account": account} for name in names)


def place(book: Path, name: str) -> int:
    """How many had started before it, once it has."""
    wait_until(lambda: f"{name}\n" in book.read_text(), 60, f"{name} has started")
    return book.read_text().split("\n").index(name)


@pytest.mark.parametrize("workers", [1, 4])
def test_one_job_of_one_account_does_not_wait_for_twenty_thousand_of_another(programs, book, workers):
    write(book, (f"big {n}" for n in range(20_000)), "big")
    write(book, ["small"], "small")
    start_fleet(programs, ["default"], workers=workers, concurrency=1)
    assert place(book, "small") < 200


def test_a_higher_priority_overtakes(programs, book):
    write(book, (f"usual {n}" for n in range(2_000)))
    write(book, ["urgent"], priority=10)
    start_fleet(programs, ["default"], workers=1, concurrency=1)
    assert place(book, "urgent") < 20


def test_many_of_low_priority_take_nothing_from_many_of_a_higher_one(programs, book):
    write(book, (f"low {n}" for n in range(1_000)), priority=-10)
    write(book, (f"usual {n}" for n in range(1_000)))
    start_fleet(programs, ["default"], workers=1, concurrency=1)
    wait_until(lambda: book.read_text().count("\n") == 2_000, 60)
    assert not [name for name in book.read_text().split("\n")[:1_000] if name.startswith("low")]


def test_a_low_priority_comes_first_when_it_has_waited_long_enough(programs, book):
    """A step of priority counts as a minute."""
    write(book, ["low"], priority=-10)
    write(book, (f"usual {n}" for n in range(1_000)))
    age = "UPDATE idempotency_record SET available_at = available_at - %s WHERE priority < 0"
    by_hand(connection, age, timedelta(minutes=11))
    start_fleet(programs, ["default"], workers=1, concurrency=1)
    assert place(book, "low") < 20
