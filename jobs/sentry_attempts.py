"""One attempt at Sentry: scopes of its own, so that nothing of one job is told with another, and spans where sampled.

Most jobs tell Sentry nothing, and forking its two scopes costs each of them more than all else that is done here. So a
job gets two that are forked from those around it when the first of them is touched: read or written by the body, by an
integration or by an event. Sentry's looking for its client in them is no touch.
"""

import logging
import random
from copy import copy
from functools import partial
from threading import RLock
from typing import TYPE_CHECKING, Any

import sentry_sdk
from sentry_sdk.scope import Scope
from sentry_sdk.tracing_utils import has_tracing_enabled

from jobs import conf, log_events
from jobs.observers import PASSED_OVER
from jobs.sentry_events import SYSTEM, tell_of_job

if TYPE_CHECKING:
    from sentry_sdk.tracing import Transaction

    from jobs.context import Job
    from jobs.task import IdempotentTask

logger = logging.getLogger(__name__)

ORIGIN = "auto.queue.jobs"
NOT_SAMPLED, SAMPLED = "-0", "-1"  # the ends of Sentry's header
Headers = dict[str, Any]

_forking = RLock()  # a body may have threads


class _JobScope(Scope):
    __slots__ = ("_attempt",)
    _attempt: "Attempt"


class _Untouched(_JobScope):
    """Has its attempt and a client, and none of a scope's other attributes: whoever asks for one makes it a scope."""

    __slots__ = ()

    def __getattr__(self, name: str) -> Any:
        self._touch()
        return getattr(self, name)

    def __setattr__(self, name: str, value: Any) -> None:
        self._touch()
        setattr(self, name, value)

    def __copy__(self) -> Scope:
        self._touch()
        return copy(self)

    def _touch(self) -> None:
        """Never raises: it may be a body that wants to tell something."""
        with _forking:
            if type(self) is _JobScope:
                return
            try:
                _become(self, self._fork())
            except Exception:
                _become(self, Scope())
                logger.exception(PASSED_OVER, "a scope of Sentry", extra=log_events.OBSERVER_FAILED)

    def _fork(self) -> Scope:
        raise NotImplementedError


class _UntouchedIsolation(_Untouched):
    __slots__ = ()

    def _fork(self) -> Scope:
        return self._attempt.isolation()


class _UntouchedCurrent(_Untouched):
    __slots__ = ()

    def _fork(self) -> Scope:
        return self._attempt.current()


def has_spans() -> bool:
    """Whether there may be spans in this attempt."""
    return type(Scope.get_current_scope()) is not _UntouchedCurrent


class Attempt:
    """`with Attempt(task, job, headers):`, with the headers that the job's record carries."""

    __slots__ = ("_around", "_continued", "_job", "_sampled", "_spans", "_task")

    def __init__(self, task: "IdempotentTask", job: "Job", headers: Headers) -> None:
        self._task, self._job = task, job
        # A replay after three days must not make a trace of three days.
        self._continued = headers if job.attempt == 1 and not job.claimed.replay_count else {}
        self._sampled = _sampled(self._continued)
        self._spans: tuple[Any, ...] = ()

    def __enter__(self) -> None:
        isolation, current = self._around = Scope.get_isolation_scope(), Scope.get_current_scope()
        Scope.set_isolation_scope(_untouched(_UntouchedIsolation, self, isolation))
        Scope.set_current_scope(_untouched(_UntouchedCurrent, self, current))
        if self._sampled is False:
            return
        try:
            self._start_spans()
        except BaseException:
            self.__exit__()
            raise

    def __exit__(self, *_: object) -> None:
        try:
            for span in reversed(self._spans):
                span.__exit__(None, None, None)
        finally:
            isolation, current = self._around
            Scope.set_isolation_scope(isolation)
            Scope.set_current_scope(current)

    def isolation(self) -> Scope:
        """A fork of the scope around, made this job's."""
        scope = self._around[0].fork()
        scope.clear_breadcrumbs()
        scope.add_event_processor(partial(tell_of_job, self._task, self._job))
        scope.set_transaction_name(self._task.name, source="task")
        scope.generate_propagation_context(self._continued)
        return scope

    def current(self) -> Scope:
        scope = self._around[1].fork()
        scope.span = None  # what is around is the hint's, and leads to nobody
        if self._sampled is False and has_tracing_enabled(sentry_sdk.get_client().options):
            # It is never started: it says to whoever is called by the body that this trace is not sampled.
            scope.span = self._transaction()
        return scope

    def _transaction(self) -> "Transaction":
        as_it_is: Any = None  # the isolation scope has continued the trace already
        transaction = Scope.get_isolation_scope().continue_trace(
            as_it_is, op="queue.task.celery", name=self._task.name, source="task", origin=ORIGIN
        )
        if self._sampled is not None:
            transaction.sampled = self._sampled
        return transaction

    def _start_spans(self) -> None:
        transaction = sentry_sdk.start_transaction(self._transaction())
        transaction.__enter__()
        self._spans = (transaction,)
        span = sentry_sdk.start_span(op="queue.process", name=self._task.name, origin=ORIGIN)
        span.__enter__()
        self._spans = (transaction, span)
        for name, value in _insights(self._job).items():
            span.set_data(name, value)


def _untouched(kind: type[_Untouched], attempt: Attempt, around: Scope) -> Scope:
    scope = object.__new__(kind)
    object.__setattr__(scope, "_attempt", attempt)
    object.__setattr__(scope, "client", around.client)
    return scope


def _become(scope: Scope, fork: Scope) -> None:
    """An object that others hold already takes over all that a fork of a scope consists of."""
    for name in Scope.__slots__:
        object.__setattr__(scope, name, getattr(fork, name))
    object.__setattr__(scope, "__class__", _JobScope)


def _sampled(continued: Headers) -> bool | None:
    """Whether to trace it; None: let Sentry decide, where the project has a sampler. Drawing here costs a fiftieth."""
    if sent := continued.get("sentry-trace"):
        if sent.endswith(NOT_SAMPLED):
            return False
        if sent.endswith(SAMPLED):
            return True
    options = sentry_sdk.get_client().options
    if not has_tracing_enabled(options):
        return False
    if options.get("traces_sampler"):
        return None
    return random.random() < float(options.get("traces_sample_rate") or 0)  # noqa: S311 - no secret


def _insights(job: "Job") -> dict[str, Any]:
    """What Sentry's page of queues is made of."""
    claimed = job.claimed
    waited = claimed.lease_expires_at - conf.lease() - claimed.available_at  # both ends by the database's clock
    return {
        "messaging.system": SYSTEM,
        "messaging.destination.name": claimed.queue,
        "messaging.message.id": str(claimed.id),
        "messaging.message.receive.latency": max(0.0, waited.total_seconds() * 1000),
        "messaging.message.retry.count": claimed.attempt - 1,
    }
