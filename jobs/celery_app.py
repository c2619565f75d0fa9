"""The Celery application with the settings that this package needs, each for a reason."""

from typing import Any

from celery import Celery
from kombu import Exchange, Queue

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
    "worker_enable_soft_shutdown_on_idle": False,
    "task_send_sent_event": False,
    "worker_hijack_root_logger": False,
    "task_default_delivery_mode": 1,
}
REDIS = {
    # Celery's own bookkeeping of unacknowledged messages is a third of its cost, and the record makes it needless.
    "ack_emulation": False,
    # A half-open connection must fail instead of holding a caller for ever.
    "socket_timeout": 5,
    "socket_connect_timeout": 2,
    "socket_keepalive": True,
    "health_check_interval": 10,
    # A caller never waits for a broker that is away: the relay sends what it could not.
    "max_retries": 0,
    "interval_start": 0,
}


def create_app(name: str, **settings: Any) -> Celery:
    """A Celery application that reads Django's settings `CELERY_…` on top of the defaults of this package.

    Keyword arguments are Celery settings and win over both.
    """
    app = Celery(name, fixups=["jobs.worker.fixup:fixup"], set_as_current=True)
    app.conf.update(DEFAULTS)
    app.config_from_object("django.conf:settings", namespace="CELERY")
    app.on_after_configure.connect(_complete, weak=False)
    app.conf.update(settings)
    app.set_default()
    return app


def _complete(sender: Celery, **_: Any) -> None:
    from jobs import conf
    from jobs.worker import parent  # noqa: F401 - connects the worker's signals
    from jobs.worker.hint import Hint

    if sender.connection_for_write().transport_cls in ("redis", "rediss"):
        sender.conf.broker_transport = "jobs.transport:Transport"
        sender.conf.broker_transport_options = REDIS | dict(sender.conf.broker_transport_options or {})
        sender.conf.worker_disable_prefetch = True
    if not sender.conf.task_queues:
        sender.conf.task_queues = [Queue(name, Exchange(""), routing_key=name) for name in conf.queues()]
        sender.conf.update(task_default_exchange="")
    sender.register_task(Hint())
