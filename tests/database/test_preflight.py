"""Settings and servers that would break a promise are named before they do."""

import pytest
from django.core.checks import Error
from django.db import connection
from kombu import Queue

from jobs import preflight

pytestmark = pytest.mark.django_db


def found():
    return {message.id: message for message in preflight.check_deployment()}


def only_rabbitmq(broker):
    if broker.name != "rabbitmq":
        pytest.skip("only RabbitMQ has kinds of queues, and rights: tests/servers/test_rabbitmq.py runs this on one")


def set_for_this_session(name, value):
    with connection.cursor() as cursor:
        cursor.execute(f"SET {name} = '{value}'")


def test_this_projects_own_settings_pass():
    """The tests' PostgreSQL alone is told to hurry: see `tests.servers.session`."""
    assert [id_ for id_, message in found().items() if message.is_serious()] == ["jobs.E011"]


def test_a_database_that_forgets_commits_is_an_error_with_the_remedy():
    set_for_this_session("synchronous_commit", "off")
    message = found()["jobs.E011"]
    assert isinstance(message, Error)
    assert "synchronous_commit" in message.msg
    assert message.hint.endswith("synchronous_commit = on, full_page_writes = on.")


def test_a_worker_refuses_to_start_on_a_database_that_forgets_commits(monkeypatch, settings):
    set_for_this_session("synchronous_commit", "off")
    monkeypatch.setattr(preflight.connection, "close", lambda: None)  # this session's setting would go with it
    settings.SILENCED_SYSTEM_CHECKS = []
    with pytest.raises(SystemExit, match=r"not started: PostgreSQL runs without .*synchronous_commit"):
        preflight.before_start()


def test_an_error_that_the_project_silences_does_not_keep_a_worker_from_starting(monkeypatch, settings):
    set_for_this_session("synchronous_commit", "off")
    settings.SILENCED_SYSTEM_CHECKS = ["jobs.E011"]
    monkeypatch.setattr(preflight.connection, "close", lambda: None)
    preflight.before_start()


@pytest.mark.parametrize("timeout", ["0", "2h"])
def test_transactions_that_may_idle_past_the_lease_are_a_warning(timeout):
    set_for_this_session("idle_in_transaction_session_timeout", timeout)
    assert "idle_in_transaction_session_timeout" in found()["jobs.W014"].msg


def test_a_broker_that_evicts_is_a_warning(broker):
    if broker.name != "redis":
        pytest.skip("only Redis evicts")
    client = broker.client
    client.config_set("maxmemory-policy", "allkeys-lru")
    try:
        assert "allkeys-lru" in found()["jobs.W018"].msg
    finally:
        client.config_set("maxmemory-policy", "noeviction")


def test_a_queue_of_another_kind_at_rabbitmq_is_an_error_that_says_what_to_do_with_it(broker):
    only_rabbitmq(broker)
    with preflight.current_app.connection_for_write() as connection:
        Queue("default")(connection.default_channel).queue_declare()
    (error,) = [message for message in preflight.check_deployment() if message.id == "jobs.E020"]
    assert error.msg.startswith("Queue default is at the broker already")
    assert "rabbitmqctl delete_queue default" in error.hint


def test_a_rabbitmq_user_without_rights_is_an_error_that_says_what_to_do(broker):
    only_rabbitmq(broker)
    broker.control("set_permissions", "jobs", "^$", ".*", ".*")
    try:
        assert "set_permissions" in found()["jobs.E021"].hint
    finally:
        broker.control("set_permissions", "jobs", ".*", ".*", ".*")


def test_an_old_rabbitmq_is_a_warning(broker, monkeypatch):
    only_rabbitmq(broker)
    monkeypatch.setattr(preflight, "OLDEST_RABBITMQ", (99, 1))
    assert found()["jobs.W019"].hint == "Upgrade to 99.1 or newer."


def test_accepting_pickles_is_an_error(monkeypatch):
    monkeypatch.setitem(preflight.current_app.conf, "accept_content", ["json", "pickle"])
    assert "pickle" in found()["jobs.E015"].msg
