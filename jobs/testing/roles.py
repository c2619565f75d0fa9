"""What the processes of a sweep do: ask for a job, follow a hint as a worker does, tick as the relay does."""

import socket
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from celery import current_app
from celery.app.trace import build_tracer
from django.db import connection, transaction

from idempotency import transitions
from jobs import hints, minutes
from jobs.enqueueing import Enqueued
from jobs.models import Minute
from jobs.relay import Relay
from jobs.task import IdempotentTask, registered
from jobs.testing.boundaries import Watch
from jobs.testing.processes import Role
from jobs.worker.child import Child

AGES = timedelta(hours=1)
HOSTNAME = f"crash-sweep@{socket.gethostname()}"


def caller(enqueue: Callable[[], object]) -> Role:
    """Asks for the job inside a transaction; tells of the transaction's number, then which job it was told of."""

    def play(watch: Watch) -> None:
        with transaction.atomic():
            with watch.quietly():
                watch.tell(transaction=transaction_number())
            answer = enqueue()
            if isinstance(answer, Enqueued):
                watch.tell(job=str(answer.id))

    return play


def worker(queues: Sequence[str]) -> Role:
    """Takes hints from the broker and follows each, until there is none; tells of each `commit`'s transaction."""

    def play(watch: Watch) -> None:
        _witness_commits(watch)
        _let_no_retry_come_by_itself()
        Child.shift = AGES.total_seconds()  # nor must it depend on that which hint a job is found by
        with current_app.connection_for_read() as broker:
            while (message := _next_hint(broker, queues)) is not None:
                message.ack()
                _follow(message)

    return play


def relay(watch: Watch) -> None:
    """One tick of a relay that has just started, and has a minute to count, however many ticks went before.

    It is one that was long before the sweep: what ended in it must not depend on how long that has been going on.
    """
    with watch.quietly():
        Minute.objects.all().delete()
    minutes.SETTLED = AGES
    Relay().tick()


def transaction_number() -> str:
    """Of the transaction that is open on Django's connection; PostgreSQL can be asked later what became of it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_current_xact_id()::text")
        return str(cursor.fetchone()[0])


def _next_hint(broker: Any, queues: Sequence[str]) -> Any:
    for name in queues:
        message = current_app.amqp.queues[name](broker.default_channel).get(accept=["json"])
        if message is not None:
            return message
    return None


def _follow(message: Any) -> None:
    """Through Celery's tracer, as a worker's child does."""
    args, kwargs, _embedded = message.payload
    task = current_app.tasks[hints.TASK]
    request = {"id": message.headers["id"], "hostname": HOSTNAME, "task": task.name, "delivery_info": {}, "headers": {}}
    tracer = build_tracer(task.name, task, app=current_app)
    _, info, *_ = tracer(message.headers["id"], args, kwargs, request)
    if info is not None:
        raise info.retval


def _let_no_retry_come_by_itself() -> None:
    """The sweep moves time: which process makes the next attempt must not depend on how fast this machine is."""
    retry = transitions.retry

    def later(*args: Any, delay: timedelta, **options: Any) -> Any:
        return retry(*args, delay=max(delay, AGES), **options)

    transitions.retry = later


def _witness_commits(watch: Watch) -> None:
    for task in registered().values():
        instance = task.instance()
        if instance.commit is not None:
            instance.commit = _witnessed(instance, instance.commit, watch)


def _witnessed(task: IdempotentTask, commit: Callable[..., None], watch: Watch) -> Callable[..., None]:
    def witnessed(result: Any, **payload: Mapping[str, Any]) -> None:
        with watch.quietly():
            watch.tell(committed=[str(task.job.id), transaction_number()])
        commit(result, **payload)

    return witnessed
