"""What became of a job, answered by its record."""

import time
from typing import Any
from uuid import UUID

from celery.exceptions import TimeoutError as ResultTimeoutError
from celery.result import AsyncResult, assert_will_not_block  # type: ignore[attr-defined]
from django.db import connection

from idempotency import reads
from idempotency.states import TERMINAL, State
from jobs.errors import JobFailedError

FIRST_LOOK, LAST_LOOK = 0.01, 0.25  # seconds between two looks: short at first, then no burden


class JobResult(AsyncResult):  # type: ignore[type-arg]
    """A handle to one record. Unlike its parent it needs no result backend and never forgets.

    `state` is one of the record's five states; a job that nobody knows has the state "unknown".
    """

    def _outcome(self) -> reads.Outcome | None:
        return reads.outcome(connection, UUID(self.id))

    @property
    def state(self) -> str:  # type: ignore[override]
        found = self._outcome()
        return str(found.state) if found else "unknown"

    status = state  # type: ignore[assignment]

    def ready(self) -> bool:
        return self.state in TERMINAL

    def successful(self) -> bool:
        return self.state == State.SUCCEEDED

    def failed(self) -> bool:
        return self.state in TERMINAL - {State.SUCCEEDED}

    @property
    def result(self) -> Any:
        """The value that `run` returned; None before, or after the record was pruned."""
        found = self._outcome()
        return found.result if found else None

    def get(self, timeout: float | None = None, **_celery: Any) -> Any:  # type: ignore[override]
        """Wait for the outcome and return the result.

        Args:
            timeout: seconds; None waits for ever.

        Raises:
            JobFailedError: the job was given up.
            celery.exceptions.TimeoutError: not finished in time.
        """
        assert_will_not_block()
        deadline = None if timeout is None else time.monotonic() + timeout
        pause = FIRST_LOOK
        while (found := self._outcome()) is None or found.state not in TERMINAL:
            if deadline is not None and time.monotonic() + pause > deadline:
                raise ResultTimeoutError(f"job {self.id} is {self.state} after {timeout} s")
            time.sleep(pause)
            pause = min(pause * 2, LAST_LOOK)
        if found.state != State.SUCCEEDED:
            raise JobFailedError(f"job {self.id} is {found.state} ({found.reason}): {found.error}")
        return found.result

    def forget(self) -> None:
        """The record is kept: it answers for its key."""
