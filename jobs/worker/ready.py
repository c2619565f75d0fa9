"""A claim's jobs with all that can be made before the first of them runs.

It is made at once, while code and data are in the processor's caches: between two bodies that wait both are cold, and
each line takes five times as long.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from celery import current_app
from celery.app.task import Context
from celery.utils.saferepr import saferepr

from idempotency.claims import Claimed
from jobs import canvas
from jobs.context import Job
from jobs.task import IdempotentTask
from jobs.worker.kinds import Kind
from jobs.worker.settle import Settler

SHOWN = 1024  # characters of arguments
NOTHING = repr({})


@dataclass(slots=True)
class Ready:
    """One job; `request` and `context` are one thing, as its tracer and as its body see it."""

    claimed: Claimed
    kind: Kind
    job: Job
    id: str
    mark: bytes  # the id once more, for the memory that is shared with the parent
    arguments: str  # as tools that show jobs are told
    request: dict[str, Any]
    context: Context
    announced: bool = False  # whoever watches knows that it runs


class Readying:
    """Of one worker process."""

    def __init__(self, hostname: str, settler: Settler) -> None:
        self._hostname, self._settler = hostname, settler
        self._kinds: dict[str, Kind] = {}
        self._blanks: dict[str, dict[str, Any]] = {}  # requests, without what is one job's own

    def all(self, batch: Sequence[Claimed]) -> list[Ready | None]:
        """In the order of the batch. None: nobody knows it, or it cannot be made; the others need not suffer for it."""
        with suppress(Exception):
            kinds = {name: self._kind(name) for name in {claimed.task for claimed in batch}}
            return [self._made(claimed, kinds[claimed.task]) for claimed in batch]
        return [None] * len(batch)

    def one(self, claimed: Claimed) -> Ready | None:
        """None: no worker of this release knows it."""
        return self._made(claimed, self._kind(claimed.task))

    def _kind(self, name: str) -> Kind | None:
        task = current_app.tasks.get(name)
        if not isinstance(task, IdempotentTask):
            return None
        known = self._kinds.get(name)
        kind = self._kinds[name] = Kind.of(task, known.seconds if known else None)
        if known is None:
            self._blanks[name] = _blank(task, self._hostname)
        return kind

    def _made(self, claimed: Claimed, kind: Kind | None) -> Ready | None:
        if kind is None or claimed.payload_version > kind.task.payload_version:
            return None
        id_, payload, behind = str(claimed.id), claimed.payload, claimed.options
        grouped = not kind.alone and not (behind and canvas.continues(behind))
        job = Job(claimed, self._settler, kind, fits=kind.accepts(payload), grouped=grouped)
        arguments = _repr(kind.task.redacted(payload)) if kind.task.dedupe_key else NOTHING
        request = self._blanks[claimed.task].copy()
        request["id"] = request["root_id"] = id_
        request["job"] = job
        request["kwargsrepr"] = arguments
        request["retries"] = claimed.attempt - 1
        request["delivery_info"] = {"exchange": "", "routing_key": claimed.queue, "redelivered": False}
        request["headers"] = {}
        request["args"] = []
        request["kwargs"] = {**payload}
        if behind:
            request |= _behind(behind, id_)
        context: Any = Context.__new__(Context)
        context.__dict__ = request
        return Ready(claimed, kind, job, id_, claimed.id.bytes, arguments, request, context)


def _blank(task: IdempotentTask, hostname: str) -> dict[str, Any]:
    """What `self.request` shows of a job. A third of what Celery sends with a message: each key costs.

    What is None or empty here is each job's own: a body may write into it.
    """
    return {
        "id": None,
        "task": task.name,
        "job": None,
        "argsrepr": "()",
        "kwargsrepr": None,
        "retries": 0,
        "root_id": None,
        "parent_id": None,
        "group": None,
        "errbacks": None,
        "delivery_info": None,
        "headers": None,
        "ignore_result": True,
        "called_directly": False,
        "args": None,
        "kwargs": None,
        "hostname": hostname,
    }


def _behind(options: Mapping[str, Any], id_: str) -> dict[str, Any]:
    """What of a job's request was said when it was enqueued."""
    return {
        "root_id": options.get("root_id") or id_,
        "parent_id": options.get("parent_id"),
        "group": options.get("group_id"),
        "errbacks": options.get("link_error"),
        "headers": dict(options.get("headers") or ()),  # other jobs may share them
    }


def _repr(arguments: dict[str, Any]) -> str:
    """As Celery shows arguments; its own way of cutting them costs ten times a plain repr."""
    text = repr(arguments)
    return text if len(text) <= SHOWN else str(saferepr(arguments, SHOWN))
