"""From a tick to a job: the record that a schedule's task, payload and nominal time stand for."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from celery import current_app
from django.db import DataError, transaction

from idempotency import keys
from idempotency.errors import EnqueueBusy, EnqueueError
from jobs import calls, enqueueing, problems
from jobs.errors import QueueFull
from jobs.options import Options
from jobs.task import IdempotentTask, registered

PLACE = re.compile(r"\{tick(?::([^{}]*))?\}")


class UnknownTaskError(EnqueueError):
    """No task of this name is registered in this process."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What came of asking: the ledger's outcome (fired, waiting, skipped), why, and the job."""

    outcome: str
    why: str | None = None
    record_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """What django-celery-beat's row says of the job, as text."""

    name: str
    task: str
    args: str | None
    kwargs: str | None
    queue: str | None
    exchange: str | None
    routing_key: str | None
    headers: str | None
    priority: int | None
    zone: str


def ask(wanted: Wanted, nominal: datetime) -> Asked:
    """Write the tick's record in the current transaction, or say why not.

    Raises:
        UnknownTaskError: perhaps a newer beat knows it.
        EnqueueBusy: the transaction has to be repeated.
    """
    task = find(wanted.task)
    secrets: list[object] = []
    try:
        with transaction.atomic():
            return _ask(task, wanted, nominal, secrets)
    except EnqueueBusy:
        raise
    except QueueFull as error:
        return Asked("waiting", str(error))
    except (EnqueueError, DataError) as error:
        return Asked("skipped", problems.hide(str(error), secrets))


def find(name: str) -> type[IdempotentTask]:
    """The task of this name.

    Raises:
        UnknownTaskError: there is none, or it is not ours; with the remedy.
    """
    if task := registered().get(name):
        return task
    if name in current_app.tasks:
        raise UnknownTaskError(
            f"{name} is a plain Celery task: a tick is a record, which only an IdempotentTask has. Subclass "
            "IdempotentTask or decorate it with @idempotent_task, or disable this schedule."
        )
    raise UnknownTaskError(
        f"no task {name!r} is registered. Correct the schedule's task, or deploy the release that has it."
    )


def _ask(task: type[IdempotentTask], wanted: Wanted, nominal: datetime, secrets: list[object]) -> Asked:
    args, kwargs = _parameters(wanted)
    given = calls.bind(task.signature_of_run(), task.name, args, kwargs)
    payload = {name: filled(value, nominal, wanted.zone) for name, value in given.items()}
    secrets += task.secrets(payload)
    own = any(payload[name] != given[name] for name in task.dedupe_key or () if name in given)
    options = Options(queue=wanted.queue or None, priority=wanted.priority, key=None if own else key(wanted, nominal))
    answer = enqueueing.enqueue(task, options, (), payload)
    if not answer.created:
        return Asked("skipped", f"job {answer.id} ({answer.state}) did the same work before", answer.id)
    return Asked("fired", None, answer.id)


def key(wanted: Wanted, nominal: datetime) -> UUID:
    """The tick's own: the same task and payload at another time is other work."""
    return keys.digest(json.dumps(["tick", wanted.task, wanted.name, nominal.isoformat()]).encode())


def filled(value: Any, nominal: datetime, zone: str) -> Any:
    """The value with the tick's time in it: `{tick}` in UTC, `{tick:%Y-%m-%d}` as the schedule's own clocks show it."""
    match value:
        case str():
            return PLACE.sub(lambda found: _shown(nominal, found[1], zone), value)
        case list():
            return [filled(v, nominal, zone) for v in value]
        case dict():
            return {k: filled(v, nominal, zone) for k, v in value.items()}
    return value


def _shown(nominal: datetime, form: str | None, zone: str) -> str:
    return nominal.isoformat() if form is None else nominal.astimezone(ZoneInfo(zone)).strftime(form)


def _parameters(wanted: Wanted) -> tuple[tuple[Any, ...], Mapping[str, Any]]:
    if wanted.exchange or wanted.routing_key:
        raise EnqueueError("exchange and routing key mean nothing to a record. Empty them, and set the queue.")
    args, kwargs = _json("args", wanted.args, list), _json("kwargs", wanted.kwargs, dict)
    if _json("headers", wanted.headers, dict):
        raise EnqueueError("headers mean nothing to a record. Empty them.")
    return tuple(args), kwargs


def _json(name: str, text: str | None, kind: type) -> Any:
    try:
        found = json.loads(text or "null")
    except ValueError:
        found = text
    if found is None:
        return kind()
    if not isinstance(found, kind):
        raise EnqueueError(f"its {name} are no JSON {'array' if kind is list else 'object'}. Correct them.")
    return found
