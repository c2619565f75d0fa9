"""What `manage.py check --deploy` and a starting worker say of servers and settings that would break a promise.

Unlike `checks` these look at the real database and the real broker.
"""

import logging
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

from amqp.exceptions import AccessRefused, PreconditionFailed
from celery import current_app
from django.core.checks import CheckMessage, Error, Warning, register  # noqa: A004 - Django's own word
from django.db import DatabaseError, connection
from kombu.utils.text import version_string_as_tuple

from jobs import conf, log_events

logger = logging.getLogger(__name__)

OLDEST = 140_000  # PostgreSQL 14, as the server counts
OLDEST_RABBITMQ = (3, 10)
CLOCKS_APART = 5.0  # seconds; beyond it Retry-After dates and `run_after` moments mean something else here
SERVER_SETTINGS = """
SELECT current_setting('fsync'), current_setting('synchronous_commit'), current_setting('full_page_writes'),
    (SELECT setting::bigint FROM pg_settings WHERE name = 'idle_in_transaction_session_timeout'),
    current_setting('server_version_num')::int, statement_timestamp()
"""


def before_start() -> None:
    """Log what a starting worker should know of, and refuse to start where the promise cannot be kept.

    Raises:
        SystemExit: an error that SILENCED_SYSTEM_CHECKS does not silence.
    """
    found = [message for message in check_deployment() if not message.is_silenced()]
    connection.close()  # the worker forks, and a connection belongs to one process
    for message in found:
        logger.log(message.level, "%s %s (%s)", message.msg, message.hint, message.id, extra=log_events.CHECK)
    if refused := [m for m in found if m.is_serious()]:
        raise SystemExit(f"jobs: not started: {refused[0].msg} {refused[0].hint} ({refused[0].id})")


@register(deploy=True)
def check_deployment(**_: Any) -> list[CheckMessage]:
    """Everything that can be seen from here; a server that is away is a warning of its own."""
    return [*_database(), *_celery(), *_broker()]


def _database() -> Iterator[CheckMessage]:
    try:
        with connection.cursor() as cursor:
            cursor.execute(SERVER_SETTINGS)
            fsync, commit, pages, idle, version, now = cursor.fetchone()
    except DatabaseError as error:
        yield Warning(
            f"The database was not checked: {error}", hint="Run this where it can be reached.", id="jobs.W010"
        )
        return
    off = [n for n, v in (("fsync", fsync), ("synchronous_commit", commit), ("full_page_writes", pages)) if v == "off"]
    if off:
        yield Error(
            f"PostgreSQL runs without {', '.join(off)}: after a crash of its machine accepted jobs are gone.",
            hint=f"Set {' = on, '.join(off)} = on.",
            id="jobs.E011",
        )
    if version < OLDEST:
        yield Error(f"PostgreSQL is {version // 10_000}.", hint="Upgrade to 14 or newer.", id="jobs.E012")
    yield from _idle_transactions(idle / 1000)
    apart = abs((datetime.now(UTC) - now).total_seconds())
    if apart > CLOCKS_APART:
        yield Warning(
            f"This machine's clock and the database's are {apart:.0f} s apart.",
            hint="Synchronise both; leases do not mind, Retry-After dates do.",
            id="jobs.W013",
        )


def _idle_transactions(timeout: float) -> Iterator[CheckMessage]:
    lease = conf.lease().total_seconds()
    if not 0 < timeout <= lease:
        yield Warning(
            f"idle_in_transaction_session_timeout is {timeout:g} s (0: never), not below the lease ({lease:g} s).",
            hint='A process frozen in a transaction holds its records. Set OPTIONS = {"options": '
            '"-c idle_in_transaction_session_timeout=30s"} in DATABASES.',
            id="jobs.W014",
        )


def _celery() -> Iterator[CheckMessage]:
    settings = current_app.conf
    risky = {"pickle", "yaml", "application/x-python-serialize", "application/x-yaml"} & set(settings.accept_content)
    if risky:
        yield Error(
            f"Celery accepts {', '.join(sorted(risky))}: whoever reaches the broker runs code here.",
            hint='Set CELERY_ACCEPT_CONTENT = ["json"].',
            id="jobs.E015",
        )
    if settings.worker_prefetch_multiplier != 1:
        yield Warning(
            f"worker_prefetch_multiplier is {settings.worker_prefetch_multiplier}: hints wait behind busy workers.",
            hint="Set CELERY_WORKER_PREFETCH_MULTIPLIER = 1.",
            id="jobs.W016",
        )


def _broker() -> Iterator[CheckMessage]:
    try:
        with current_app.connection_for_write() as broker:
            broker.ensure_connection(max_retries=1, timeout=2)
            yield from list(_rabbitmq(broker) if broker.transport.driver_type == "amqp" else _redis(broker))
    except Exception as error:  # noqa: BLE001 - whatever the broker's client throws means that it is away
        yield Warning(f"The broker was not checked: {error}", hint="Run this where it can be reached.", id="jobs.W017")


def _redis(broker: Any) -> Iterator[CheckMessage]:
    policy = _eviction(broker.default_channel)
    if policy and policy != "noeviction":
        yield Warning(
            f"The broker's maxmemory-policy is {policy}: it may evict queues and Celery's own keys.",
            hint="Set maxmemory-policy noeviction. No job is lost meanwhile, but hints are.",
            id="jobs.W018",
        )


def _rabbitmq(broker: Any) -> Iterator[CheckMessage]:
    about = broker.connection.server_properties
    if about.get("product") == "RabbitMQ" and version_string_as_tuple(about["version"]) < OLDEST_RABBITMQ:
        yield Warning(
            f"RabbitMQ is {about['version']}, older than any that this package is tested with.",
            hint=f"Upgrade to {'.'.join(map(str, OLDEST_RABBITMQ))} or newer.",
            id="jobs.W019",
        )
    for queue in conf.queues():
        try:
            with broker.channel() as channel:  # a refusal closes it
                current_app.amqp.queues[queue](channel).queue_declare()
        except PreconditionFailed:
            yield Error(
                f"Queue {queue} is at the broker already, and is not the quorum queue that this package declares.",
                hint=f"Let its old workers empty it and run `rabbitmqctl delete_queue {queue}`, or name it otherwise "
                "in JOBS_QUEUES.",
                id="jobs.E020",
            )
        except AccessRefused as error:
            yield Error(
                f"The broker refuses queue {queue} to us: {error.reply_text}",
                hint="Grant its user the rights to configure, write and read: `rabbitmqctl set_permissions`.",
                id="jobs.E021",
            )


def _eviction(channel: Any) -> str | None:
    """Redis's policy; None where the broker is another, or hides its configuration."""
    ask: Callable[[str], dict[str, str]] | None = getattr(getattr(channel, "client", None), "config_get", None)
    if ask is None:
        return None
    try:
        return ask("maxmemory-policy").get("maxmemory-policy")
    except Exception:  # noqa: BLE001 - managed services refuse CONFIG
        return None
