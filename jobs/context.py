"""`self.job`: what a running attempt knows of itself."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import UUID

from django.db import connection

from idempotency import payload, steps, transitions
from idempotency.claims import Claimed, Problem
from jobs import conf, taxonomy
from jobs.errors import StepChangedError, StepInTransactionError

if TYPE_CHECKING:
    from jobs.worker.kinds import Kind
    from jobs.worker.settle import Settler


T = TypeVar("T")
SHOW_EVERY = 1.0  # seconds between two writes of progress: people do not look more often


class Outcome(StrEnum):
    """What one attempt led to."""

    SUCCEEDED = "succeeded"
    RETRIED = "retried"  # it is queued again
    GIVEN_UP = "given_up"  # failed for good, or a dead letter
    LOST = "lost"  # the job belonged to somebody else by then
    INTERRUPTED = "interrupted"  # the worker was told to stop; the job is queued again


@dataclass(init=False)
class Job:
    """One attempt at one job. The public names are properties; the rest belongs to the worker.

    One is made for each job: what is not told to it stays with the class until somebody writes it.
    """

    claimed: Claimed
    settler: "Settler"
    around: frozenset[str] = frozenset()  # databases with a transaction that was open before (a test's)
    entered: bool = False
    settled: bool = False
    outcome: Outcome | None = None  # what the attempt led to
    problem: Problem | None = None  # what went wrong, as it is kept
    ending: Callable[[], Any] | None = None  # returns or raises what the body has, for a tracer that comes after it
    kind: "Kind | None" = None  # what this worker process knows of its task
    fits: bool = False  # `run` is known to take the payload
    grouped: bool = False  # its success is settled together with others'
    started: float = 0.0  # Unix time
    stepped: bool = False  # something of this attempt is kept already, so its settle waits for no other
    in_doubt: bool = False  # an outside effect may have happened, and nobody has told
    _intended: bool = False
    _acted: bool = False
    _shown_at: float = 0.0

    def __init__(
        self,
        claimed: Claimed,
        settler: "Settler",
        kind: "Kind | None" = None,
        *,
        fits: bool = False,
        grouped: bool = False,
    ) -> None:
        self.claimed, self.settler, self.kind, self.fits, self.grouped = claimed, settler, kind, fits, grouped
        # What each run writes is set here already: CPython gives an object whose attributes come later a dictionary.
        self.started, self.entered, self.settled, self.outcome = 0.0, False, False, None
        if claimed.intent_at is not None:
            self.in_doubt = True

    @cached_property
    def slots(self) -> Iterator[float]:
        """Monotonic times at which the vendor may be called."""
        return _slots(self.claimed)

    @property
    def id(self) -> UUID:
        return self.claimed.id

    @property
    def key(self) -> UUID | None:
        """Digest of the dedupe key; None where every call is its own work."""
        return self.claimed.key

    @property
    def attempt(self) -> int:
        """Counted from 1."""
        return self.claimed.attempt

    @property
    def max_attempts(self) -> int:
        return self.claimed.max_attempts

    @property
    def idempotency_key(self) -> str:
        """The same over all attempts and replays: hand it to the vendor."""
        return str(self.claimed.id)

    @property
    def lease_expires_at(self) -> datetime:
        """As claimed; the worker prolongs it while the job runs."""
        return self.claimed.lease_expires_at

    @property
    def cursor(self) -> Any:
        """What the newest `checkpoint`, of this or an earlier attempt, was given; None before the first."""
        return self.settler.own.insist(lambda c: steps.find_cursor(c, self.claimed))

    def step_key(self, name: str) -> str:
        """An idempotency key for a vendor call inside step `name`, the same over all attempts and replays."""
        return f"{self.idempotency_key}:{name}"

    def step(self, name: str, function: Callable[..., T], /, *args: Any, **kwargs: Any) -> T:
        """Call `function(*args, **kwargs)` once for this job: a later attempt gets the kept result instead.

        The result is kept at once, as JSON, so both attempts see the same value. Between the call and the keeping a
        crash repeats the call: hand `step_key(name)` to a vendor.

        Args:
            name: of the step, unique within the task.
            function: what to do.
            args, kwargs: JSON values; they tell whether it is still the same step.

        Raises:
            StepChangedError: an earlier attempt took this step with other arguments.
            StepInTransactionError: a rollback would undo the step and leave its result.
            LeaseLost: the job was given to another worker; the result is not kept.
        """
        self._refuse_inside_transaction(f"step {name!r}")
        asked = payload.fingerprint(_arguments(name, args, kwargs))
        self.stepped = True
        kept = self.settler.own.insist(lambda c: steps.find_step(c, self.claimed, name))
        if kept is None:
            text = payload.dumps(
                function(*args, **kwargs), limit=conf.max_payload(), what=f"the result of step {name!r}"
            )
            kept = self.settler.own.insist(lambda c: steps.keep_step(c, self.claimed, name, input=asked, result=text))
        if kept.input != asked:
            raise StepChangedError(
                f"{self.claimed.task}: an earlier attempt took step {name!r} with other arguments. "
                "Give the new work a name of its own, or compute the arguments from the payload and kept steps alone."
            )
        result: T = kept.result
        return result

    @contextmanager
    def effect(self) -> Iterator[None]:
        """Around the call of somebody who cannot tell a second one from the first, such as a mail server.

        The intent is kept before it, so that an attempt after a crash does not blindly call again: it asks
        `already_done`, and where the task has none the job waits for a person as `unknown_outcome`. An error that
        proves that nothing was done takes the intent back. `external_effect = True` puts the whole body inside.

        Raises:
            LeaseLost: the job was given to another worker; the call must not be made.
        """
        if not self._intended:
            self.stepped = True
            self.settler.own.insist(lambda c: transitions.intend(c, self.claimed))
            self._intended = True
        self.in_doubt = True  # again, where an earlier call was refused
        try:
            yield
        except BaseException as error:
            # What is refused after another call went through takes nothing back.
            self.in_doubt = self._acted or not taxonomy.proves_nothing_done(error)
            raise
        self._acted = self.in_doubt = True

    def checkpoint(self, cursor: Any) -> None:
        """Keep where the next attempt goes on (`self.job.cursor`): JSON, written at once and fenced.

        Raises:
            LeaseLost: the job was given to another worker; stop.
            StepInTransactionError: a rollback would undo the work and leave the cursor.
        """
        self._refuse_inside_transaction("a checkpoint")
        text = payload.dumps(cursor, limit=conf.max_payload(), what="the cursor")
        self.stepped = True
        self.settler.own.insist(lambda c: steps.keep_progress(c, self.claimed, cursor=text))

    def progress(self, done: int, total: int | None = None) -> None:
        """Show people how far the job is; written at most once a second, and at the end."""
        now = time.monotonic()
        if now - self._shown_at < SHOW_EVERY and done != total:
            return
        self._shown_at = now
        self.settler.own.insist(lambda c: steps.keep_progress(c, self.claimed, done=done, total=total))

    def _refuse_inside_transaction(self, what: str) -> None:
        if connection.in_atomic_block and "default" not in self.around:
            raise StepInTransactionError(
                f"{self.claimed.task}: {what} is kept at once, but the transaction around it may still roll back. "
                "Leave the atomic block first."
            )


def _slots(claimed: Claimed) -> Iterator[float]:
    first, apart = claimed.slot_at, claimed.apart
    return iter(()) if first is None or apart is None else (first + n * apart for n in range(claimed.calls))


def _arguments(name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    text = payload.dumps({"args": args, "kwargs": kwargs}, limit=conf.max_payload(), what=f"step {name!r}")
    arguments: dict[str, Any] = json.loads(text)
    return arguments
