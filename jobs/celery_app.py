"""The Celery application with the settings that this package needs, each for a reason."""

from typing import Any

from celery import Celery
from celery.app import amqp
from django.conf import settings
from kombu import Exchange, Queue

from jobs.transport.connection import TRANSPORTS, Connection

DEFAULTS: dict[str, Any] = {
    # Messages are hints, results are records: Celery keeps neither.
    "task_ignore_result": True,
    "result_backend": None,
    # JSON only: a pickle is code, and the broker is not trusted.
    "task_serializer": "json",
    "result_serializer": "json",
    "event_serializer": "json",
    "accept_content": ["json"],
    # A process takes one hint at a time; a hoarded one would wait behind a long job.
    "worker_prefetch_multiplier": 1,
    "task_acks_late": False,
    "worker_cancel_long_running_tasks_on_connection_loss": False,
    "broker_connection_retry_on_startup": True,
    "broker_connection_max_retries": None,
    # A worker on RabbitMQ whose connection died in silence knows it after two of these, not after two of 120 s.
    "broker_heartbeat": 10,
    "worker_enable_soft_shutdown_on_idle": False,
    "task_send_sent_event": False,
    "worker_hijack_root_logger": False,
    "task_default_delivery_mode": 1,
}
# A caller never waits for a broker that is away: the relay sends what it could not.
NO_RETRIES = {"max_retries": 0, "interval_start": 0}
REDIS = {
    # Celery's own bookkeeping of unacknowledged messages is a third of its cost, and the record makes it needless.
    "ack_emulation": False,
    # A half-open connection must fail instead of holding a caller for ever.
    "socket_timeout": 5,
    "socket_connect_timeout": 2,
    "socket_keepalive": True,
    "health_check_interval": 10,
    **NO_RETRIES,
}
AMQP = {"connect_timeout": 2, **NO_RETRIES}
# Quorum queues survive a broker's machine. The limit is RabbitMQ 4's own, said here because a queue must be declared
# in the same words by everybody: a hint that kills its reader again and again may go.
QUORUM = {"x-queue-type": "quorum", "x-delivery-limit": 20}


class Amqp(amqp.AMQP):
    """Celery's, with our connections from the first one on."""

    Connection = Connection


def create_app(name: str, **settings: Any) -> Celery:
    """A Celery application that reads Django's settings `CELERY_…` on top of the defaults of this package.

    Keyword arguments are Celery settings and win over both.
    """
    app = Celery(name, amqp=Amqp, fixups=["jobs.worker.fixup:fixup"], set_as_current=True)
    app.config_from_object("django.conf:settings", namespace="CELERY")
    app.on_after_configure.connect(_complete, weak=False)
    app.conf.update(settings)
    app.set_default()
    return app


def _complete(sender: Celery, **_: Any) -> None:
    from jobs import conf
    from jobs.worker import hint_request, parent  # noqa: F401 - before a fork; connects the worker's signals
    from jobs.worker.hint import Hint

    # Right above Celery's own: `add_defaults` would put them above the project's.
    sender.conf.maps.insert(-1, DEFAULTS)  # type: ignore[union-attr]
    name = sender.connection_for_write().transport_cls
    if name in TRANSPORTS:
        sender.conf.broker_transport = TRANSPORTS[name]
    is_amqp = "amqp" in str(name)
    if is_amqp:
        _prepare_amqp(sender.conf)
    elif name in TRANSPORTS:
        _prepare_redis(sender.conf)
    if not sender.conf.task_queues:
        arguments = QUORUM if is_amqp else None
        sender.conf.task_queues = [
            Queue(name, Exchange(""), routing_key=name, queue_arguments=arguments) for name in conf.queues()
        ]
        sender.conf.update(task_default_exchange="")
    sender.register_task(Hint())
    if any(app.startswith("jobs.schedules") for app in settings.INSTALLED_APPS):  # Django's apps may not be ready yet
        sender.conf.maps.insert(-1, {"beat_scheduler": "jobs.schedules.beat:Scheduler"})  # type: ignore[union-attr]


def _prepare_redis(settings: Any) -> None:
    settings.broker_transport_options = REDIS | dict(settings.broker_transport_options or {})
    settings.worker_disable_prefetch = True


def _prepare_amqp(settings: Any) -> None:
    settings.broker_transport_options = AMQP | dict(settings.broker_transport_options or {})
    # RabbitMQ closes a channel whose hint has waited half an hour behind a long job; Celery's worker would end on it.
    settings.broker_channel_error_retry = True
    settings.worker_consumer = "jobs.worker.consumer:Consumer"
