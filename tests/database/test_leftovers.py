"""What a failed body leaves behind in the application's databases, and what the next one finds."""

import sqlite3
from contextlib import closing

import psycopg
import pytest
from django.db import connection, connections
from django.db.backends.sqlite3.base import DatabaseWrapper
from django.db.utils import Error

from jobs.worker import leftovers

PREPARED = {"server_side_binding": True, "prepare_threshold": 0}


@pytest.fixture
def changing(transactional_db, monkeypatch):
    """A table, read by statements that are prepared at once."""
    monkeypatch.setitem(connections["default"].settings_dict, "OPTIONS", PREPARED)
    connection.close()
    write("CREATE TABLE changing (number int)")
    yield
    connection.close()
    write("DROP TABLE changing")


def write(statement: str) -> None:
    """By somebody else."""
    with psycopg.connect(dsn(), autocommit=True) as other:
        other.execute(statement)


def dsn() -> str:
    params = connection.get_connection_params()
    named = {name: params[name] for name in ("dbname", "user", "password", "host", "port") if name in params}
    return psycopg.conninfo.make_conninfo(**named)


def read() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT number FROM changing")


def test_a_column_whose_type_has_changed_fails_one_attempt_and_not_all_that_follow(changing):
    read()
    write("ALTER TABLE changing ALTER number TYPE bigint")
    with pytest.raises(Error, match="cached plan"):
        read()
    leftovers.leave_database_clean()
    read()


def test_a_connection_without_an_error_outlives_a_failed_body(transactional_db):
    connection.ensure_connection()
    inner = connection.connection
    leftovers.leave_database_clean()
    assert connection.connection is inner


def test_one_that_was_closed_under_way_is_made_anew(transactional_db):
    connection.ensure_connection()
    connection.connection.close()
    assert leftovers.open_transactions() == set()
    leftovers.leave_database_clean()
    assert connection.connection is None


def test_a_database_of_another_kind_has_nothing_open_until_django_says_so(transactional_db):
    other = DatabaseWrapper(connections["default"].settings_dict | {"NAME": ":memory:", "OPTIONS": {}}, alias="other")
    other.connect()
    assert isinstance(other.connection, sqlite3.Connection)
    with closing(other.connection):  # Django leaves one that is in memory open
        assert "other" not in leftovers.open_transactions()
        other.set_autocommit(False)
        assert "other" in leftovers.open_transactions()
