"""What every process of a sweep would do first, done once before the forks: a run is then half as long."""

from celery import current_app
from celery.app.trace import build_tracer
from django.core.mail import EmailMessage
from django.template import engines

from jobs import hints
from jobs.task import IdempotentTask

CLIENTS = ("httpx", "requests")


def warm_up(task: type[IdempotentTask]) -> None:
    """Import and build what has no state of its own. Not the task's body: what it opens must not be inherited."""
    _import_clients()
    engines.all()
    EmailMessage().message()
    for name in (task.name, hints.TASK):
        found = current_app.tasks[name]
        found.backend  # noqa: B018 - Celery makes it when it is first looked at
        build_tracer(name, found, app=current_app)


def _import_clients() -> None:
    """A client that a body imports for the first time would not be watched."""
    for client in CLIENTS:
        try:
            __import__(client)
        except ImportError:  # the application does without
            continue
