"""Celery's task events, one set per job, so that Flower sees jobs and not hints.

Buffered: an event sent alone costs more than a job.
"""

import logging
import time
from typing import TYPE_CHECKING, Any

from celery import current_app
from celery.utils.saferepr import saferepr

from idempotency.claims import Claimed
from jobs.worker import shared

if TYPE_CHECKING:
    from jobs.task import IdempotentTask

logger = logging.getLogger(__name__)

FULL = 300  # events in one message
LONGEST = 0.5  # seconds an event waits
SHOWN = 1024  # characters of a payload
AWAY_REST = 5.0  # seconds without events after the broker failed: they are for eyes only


class JobEvents:
    """Of one worker process, published under the worker's own name."""

    def __init__(self, hostname: str) -> None:
        self._hostname = hostname
        self._dispatcher: Any = None
        self._waiting = 0
        self._since = 0.0
        self._silent_until = 0.0

    def wanted(self) -> bool:
        return shared.events_wanted() and time.monotonic() >= self._silent_until

    def started(self, task: "IdempotentTask", claimed: Claimed) -> None:
        if not self.wanted():
            return
        canvas, id_ = claimed.options or {}, str(claimed.id)
        self._send(
            "task-received",
            uuid=id_,
            name=claimed.task,
            args="()",
            kwargs=_shown(task.masked(claimed.payload)),
            root_id=canvas.get("root_id") or id_,
            parent_id=canvas.get("parent_id"),
            retries=claimed.attempt - 1,
            eta=None,
            expires=None,
        )
        self._send("task-started", uuid=id_)

    def ended(self, kind: str, claimed: Claimed, **fields: Any) -> None:
        """`kind` is succeeded, failed or retried."""
        if self.wanted():
            self._send(f"task-{kind}", uuid=str(claimed.id), **fields)

    def _send(self, kind: str, **fields: Any) -> None:
        try:
            self._open().send(kind, **fields)
        except Exception as error:  # noqa: BLE001 - whatever the broker's client throws, jobs go on
            self._fail(error)
            return
        self._waiting += 1
        self._since = self._since or time.monotonic()

    def flush_if_due(self) -> None:
        if self._waiting >= FULL or (self._waiting and time.monotonic() - self._since > LONGEST):
            self.flush()

    def flush(self) -> None:
        if not self._waiting:
            return
        self._waiting, self._since = 0, 0.0
        try:
            self._dispatcher.flush(errors=False)
        except Exception as error:  # noqa: BLE001 - as above
            self._fail(error)

    def _open(self) -> Any:
        if self._dispatcher is None:
            self._dispatcher = current_app.events.Dispatcher(
                current_app.connection_for_write(),
                hostname=self._hostname,
                buffer_group={"task"},
                buffer_limit=FULL * 4,  # we flush before Celery would
                buffer_while_offline=False,
            )
        return self._dispatcher

    def _fail(self, error: Exception) -> None:
        logger.warning("no task events for %.0f s: %s", AWAY_REST, error)
        self._silent_until = time.monotonic() + AWAY_REST
        self._dispatcher = None


def _shown(payload: dict[str, Any]) -> str:
    """As Celery shows arguments; its own way of cutting them costs ten times a plain repr."""
    text = repr(payload)
    return text if len(text) <= SHOWN else str(saferepr(payload, SHOWN))
