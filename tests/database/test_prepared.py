"""A single enqueue is planned once per connection, and only where the connection is one server process's."""

import socket
import threading
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote

import pytest
from django.db import connection, connections, transaction

from idempotency.models import Record
from tests.app.models import Effect
from tests.app.tasks import Mark, mark_each_time
from tests.records import assert_balanced

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def anew(monkeypatch):
    """A connection that has prepared nothing, set up as Django does where a project says nothing."""
    monkeypatch.setitem(connections["default"].settings_dict, "OPTIONS", {})
    connection.close()
    connection.ensure_connection()
    yield
    connection.close()


def prepared() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT name FROM pg_prepared_statements WHERE name LIKE 'jobs%'")
        return [name for (name,) in cursor.fetchall()]


def enqueue(count: int = 1) -> None:
    for _ in range(count):
        assert mark_each_time.enqueue(name="a").created


def test_a_connection_that_enqueues_once_prepares_nothing_and_one_that_does_it_again_plans_once():
    enqueue()
    assert prepared() == []
    enqueue(20)
    assert prepared() == ["jobs_enqueue_one"]
    assert Record.objects.count() == 21
    assert_balanced(connection)


def test_what_was_prepared_in_a_transaction_outlives_its_rollback():
    with transaction.atomic():
        enqueue(2)
        transaction.set_rollback(True)
    enqueue()
    assert Record.objects.count() == 1


def test_a_prepared_enqueue_is_answered_by_who_holds_the_key_and_its_transaction_lives():
    enqueue(2)
    with transaction.atomic():
        first, second = Mark.enqueue(name="a"), Mark.enqueue(name="a")
        Effect.objects.create(name="after")
    assert (first.id, first.created, second.created) == (second.id, True, False)


def test_it_looks_like_one_query_to_who_counts_them(django_assert_num_queries):
    for _ in range(3):
        with django_assert_num_queries(1):
            mark_each_time.using(queue="critical").enqueue(name="a")  # it has no bound to be looked at


def test_behind_a_pool_that_the_project_names_nothing_is_prepared(monkeypatch):
    monkeypatch.setitem(connections["default"].settings_dict, "DISABLE_SERVER_SIDE_CURSORS", True)
    enqueue(3)
    assert prepared() == []


def test_where_psycopg_prepares_by_itself_and_drops_all_on_a_rollback_nothing_of_ours_is_among_it(monkeypatch):
    options = {"prepare_threshold": 0, "server_side_binding": True}
    monkeypatch.setitem(connections["default"].settings_dict, "OPTIONS", options)
    connection.close()
    for _ in range(3):
        with transaction.atomic():
            enqueue()
            transaction.set_rollback(True)
        enqueue()
    assert prepared() == []
    assert Record.objects.count() == 3


def test_behind_a_pool_that_nobody_named_nothing_is_prepared(monkeypatch, tmp_path):
    settings = connections["default"].settings_dict
    server = Path(unquote(settings["HOST"])) / f".s.PGSQL.{settings['PORT'] or 5432}"
    with pool(server, tmp_path):
        monkeypatch.setitem(settings, "HOST", str(tmp_path))
        monkeypatch.setitem(settings, "PORT", "5432")
        connection.close()
        enqueue(3)
        assert prepared() == []
        connection.close()


@contextmanager
def pool(server: Path, place: Path):
    """Like a pool it tells its client of a process that is none: the message `K` of PostgreSQL's protocol."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(place / ".s.PGSQL.5432"))
        listener.listen()
        serving = threading.Thread(target=serve, args=(listener, server))
        serving.start()
        yield
        serving.join(30)


def serve(listener: socket.socket, server: Path) -> None:
    """One client, until it leaves."""
    with listener.accept()[0] as client, socket.socket(socket.AF_UNIX) as behind:
        behind.connect(str(server))
        back = threading.Thread(target=forward, args=(behind, client), kwargs={"lie": True})
        back.start()
        forward(client, behind)
        back.join(30)


def forward(source: socket.socket, target: socket.socket, *, lie: bool = False) -> None:
    while data := source.recv(65536):
        if lie and (at := data.find(b"K\x00\x00\x00\x0c")) >= 0:
            data, lie = data[: at + 5] + b"\x00\x00\x00\x01" + data[at + 9 :], False
        target.sendall(data)
    target.shutdown(socket.SHUT_WR)
