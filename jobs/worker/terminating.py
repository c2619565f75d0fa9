"""Ending jobs by their ids: what Flower's buttons Terminate and Revoke, and `celery control`, ask of a worker.

Celery looks among its messages for the id; a job has none. Here the id names a record: one that waits is cancelled, and
of one that runs the process is killed, its record cancelled and what else its claim holds given back untouched.
"""

import logging
import os
import signal
import time
from functools import partial
from pathlib import Path
from typing import Any, cast
from uuid import UUID

from celery import current_app
from kombu import Producer

from idempotency import reads, transitions
from idempotency.claims import Claimed
from idempotency.errors import LeaseLost
from idempotency.reads import Holder
from idempotency.states import State
from jobs import log_events
from jobs.hints import with_broker
from jobs.own_connection import OwnConnection
from jobs.worker import shared

logger = logging.getLogger(__name__)

PATIENCE = 5.0  # seconds in which a job of a batch is begun, or given back
STOPS_WITHIN = 1.0  # seconds until a process that was told to stop has
BY = "remote control"
ENDED = "ended while it ran, by remote control: what it had done outside may stay done"
WITHDRAWN = "withdrawn by remote control"
NOTE = """
INSERT INTO jobs_decision (at, by, action, why, record_id, before, after)
VALUES (statement_timestamp(), %(by)s, 'cancel', %(why)s, %(id)s, %(before)s::jsonb, '{"reason": "cancelled"}')
"""


class Ending:
    """One job that is to end; several workers are asked, and each does what is its own."""

    def __init__(self, own: OwnConnection, hostname: str, id_: UUID, *, terminate: bool) -> None:
        self.id = id_
        self._own, self._hostname, self._terminate = own, hostname, terminate
        self._until = time.monotonic() + PATIENCE

    def attempt(self) -> bool | None:
        """True: this worker ended it. False: there is nothing to do here. None: ask again in a moment."""
        found = self._own.once(lambda c: reads.holder(c, self.id))
        if found is None or found.state not in (State.QUEUED, State.PROCESSING) or time.monotonic() > self._until:
            return False
        if found.state is State.QUEUED:
            return self._withdraw(found) or None
        if not (found.claimed_by or "").startswith(f"{self._hostname}/"):
            return False  # its own worker was asked as well
        pid = int((found.claimed_by or "").rpartition("/")[2])
        running = shared.in_hand(pid)
        if running is None or running[0] != self.id:
            return None  # it waits for its turn, or has just ended
        if not self._terminate:
            return False  # to revoke is not to begin, and it has
        return self._kill(found, pid)

    def _withdraw(self, found: Holder) -> bool:
        def write(connection: Any) -> bool:
            with connection.transaction():
                done = transitions.cancel(connection, self.id, token=found.token, why=WITHDRAWN)
                return done and _note(connection, self.id, WITHDRAWN, State.QUEUED)

        return self._own.insist(write)

    def _kill(self, found: Holder, pid: int) -> bool | None:
        if pid == os.getpid():
            logger.warning(
                "job %s cannot be ended: this worker runs jobs in its own process (--pool)",
                self.id,
                extra=log_events.JOB_NOT_ENDED,
            )
            return False
        if not _kill_while(pid, self.id):
            return None
        lease_id = found.lease_id
        return self._own.insist(lambda c: self._write_end(c, transitions.claimed_under(c, lease_id)))  # type: ignore[arg-type]

    def _write_end(self, connection: Any, held: list[Claimed]) -> bool:
        others = [c for c in held if c.id != self.id]
        with connection.transaction():
            if others:
                transitions.give_back(connection, others, begun=False)
            return any(_end(connection, claimed) for claimed in held if claimed.id == self.id)


def _end(connection: Any, claimed: Claimed) -> bool:
    try:
        transitions.terminate(connection, claimed, why=ENDED)
    except LeaseLost as lost:
        logger.info("%s", lost, extra=log_events.JOB_NOT_ENDED)
        return False
    return _note(connection, claimed.id, ENDED, State.PROCESSING)


def _note(connection: Any, id_: UUID, why: str, before: State) -> bool:
    """A row of the audit trail, in the same transaction."""
    with connection.cursor() as cursor:
        cursor.execute(NOTE, {"by": BY, "why": why, "id": id_, "before": f'{{"state": "{before}"}}'})
    return True


def _kill_while(pid: int, id_: UUID) -> bool:
    """Kill the process if it runs this very job: stopped first, so that it cannot go on to the next one meanwhile."""
    try:
        os.kill(pid, signal.SIGSTOP)
        if _is_stopped(pid) and (running := shared.in_hand(pid)) and running[0] == id_:
            os.kill(pid, signal.SIGKILL)
            return True
        os.kill(pid, signal.SIGCONT)
    except (ProcessLookupError, FileNotFoundError):
        logger.info("job %s: its process has died by itself", id_, extra=log_events.JOB_NOT_ENDED)
    return False


def _is_stopped(pid: int) -> bool:
    ends = time.monotonic() + STOPS_WITHIN
    while time.monotonic() < ends:
        if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "Tt":
            return True
        time.sleep(0.001)
    return False


def install(end: Any) -> None:
    """Let the control commands `revoke` and `terminate` call `end(ids, terminate)` besides what Celery does."""
    from celery.worker import control

    celerys: Any = control.Panel.data["revoke"]

    @control.control_command(name="revoke", variadic="task_id", signature="[id1 [id2 [... [idN]]]]")
    def revoke(state: Any, task_id: Any, terminate: bool = False, signal: Any = None, **kwargs: Any) -> Any:  # noqa: FBT001, FBT002 - Celery's signature
        end(_ids(task_id), terminate)
        return celerys(state, task_id, terminate, signal, **kwargs)

    @control.control_command(
        name="terminate", variadic="task_id", args=[("signal", str)], signature="<signal> [id1 [id2 [... [idN]]]]"
    )
    def terminate(state: Any, signal: Any, task_id: Any, **kwargs: Any) -> Any:
        return revoke(state, task_id, terminate=True, signal=signal, **kwargs)


def ask(id_: UUID) -> None:
    """Tell every worker to end this job; who runs it does. Raises what the broker's client raises.

    Celery's own call would try again for ever where the broker is away, and a person waits for it.
    """
    with_broker(partial(_ask, arguments={"task_id": str(id_), "terminate": True, "signal": "SIGKILL"}))


def _ask(connection: Any, *, arguments: dict[str, Any]) -> None:
    channel, control = connection.default_channel, cast("Any", current_app.control)
    control.mailbox(connection)._publish("revoke", arguments, channel=channel, producer=_Once(channel))  # noqa: SLF001


class _Once(Producer):
    """Publishes, or fails."""

    def publish(self, *args: Any, **kwargs: Any) -> Any:
        return super().publish(*args, **kwargs | {"retry": False})


def _ids(given: Any) -> list[UUID]:
    """What may be jobs among the ids: anybody may send a control command, and Celery's own ids may be any text."""
    found = []
    for text in given if isinstance(given, (list, tuple, set)) else [given]:
        try:
            found.append(UUID(str(text)))
        except ValueError:
            continue
    return found
