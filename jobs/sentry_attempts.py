"""Attempts at Sentry: scopes of its own for each, so that nothing of one job is told with another, spans where sampled.

Most jobs tell Sentry nothing, and forking its two scopes costs each of them more than all else that is done here. So
the jobs of a claim share a pair that nobody has touched (`jobs.sentry_scopes`). Whoever touches one within a job makes
it a fork of the scope around, with the job at work in it, and when that job ends the pair makes itself two others.
"""

import random
from collections.abc import Mapping
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import sentry_sdk
from sentry_sdk.scope import Scope
from sentry_sdk.tracing_utils import has_tracing_enabled

from idempotency.claims import Claimed
from jobs import check_ins, conf, sentry_events, sentry_scopes, traceparent
from jobs.claim import Claim, Options
from jobs.context import Outcome
from jobs.observers import Along, Ends
from jobs.sentry_scopes import CURRENT, ISOLATION

if TYPE_CHECKING:
    from sentry_sdk.tracing import Transaction

    from jobs.context import Job
    from jobs.task import IdempotentTask

ORIGIN = "auto.queue.jobs"
NOT_SAMPLED, SAMPLED = "-0", "-1"  # the ends of Sentry's header
STATUS = {Outcome.SUCCEEDED: "ok", Outcome.GIVEN_UP: "internal_error"}
NOTHING: Mapping[str, Any] = MappingProxyType({})


class Pair(Along):
    """An isolation scope and a current scope for job after job of one claim, until one of them is touched.

    They are the job's alone as long as its threads end with it, or are seen by Sentry's integration for threads.
    """

    told: dict[int, bool | None]  # with whether it is traced; None: Sentry decides

    def __init__(self, claim: Claim) -> None:
        self.told = _telling(claim)
        self._around = Scope.get_isolation_scope(), Scope.get_current_scope()
        self._between: dict[int, Scope] = {}
        self._renew()

    def _renew(self) -> None:
        self._sampled: bool | None = False  # the job at work; spans touch both scopes
        self._spans: tuple[Any, ...] = ()
        self.touched = False
        self._isolation, self._current = sentry_scopes.untouched(self, *self._around)
        sentry_scopes.enter(self._isolation, self._current)

    def mend(self) -> None:
        """Both must be untouched and where they were: a body may have entered scopes of its own and not left them."""
        if (
            self.touched
            or Scope.get_current_scope() is not self._current
            or Scope.get_isolation_scope() is not self._isolation
        ):
            self._renew()

    def leave(self) -> None:
        sentry_scopes.enter(*self._around)
        self._isolation, self._current = self._around  # or it would be a circle, for the garbage collector

    # -- one attempt --------------------------------------------------------------------------------------------------

    def begin(self, task: "IdempotentTask", job: "Job") -> Ends:
        """One that is traced, or has something to tell even when it succeeds."""
        self._sampled = self.told[job.claimed.number]
        if self._sampled is not False:
            self._start_spans(task, job)
        return partial(self._end, task, job)

    def _end(self, task: "IdempotentTask", job: "Job", error: BaseException | None) -> None:
        """Tell what there is to tell of it."""
        _report(task, job, error)
        for span in reversed(self._spans):
            span.__exit__(None, None, None)

    def failed(self, task: "IdempotentTask", job: "Job", error: BaseException | None) -> None:
        if job.outcome is Outcome.GIVEN_UP:
            _report(task, job, error)

    def _start_spans(self, task: "IdempotentTask", job: "Job") -> None:
        transaction = sentry_sdk.start_transaction(self._transaction(task))
        transaction.__enter__()
        self._spans = (transaction,)
        span = sentry_sdk.start_span(op="queue.process", name=task.name, origin=ORIGIN)
        span.__enter__()
        self._spans = (transaction, span)
        for name, value in _insights(job).items():
            span.set_data(name, value)

    # -- when a scope is touched --------------------------------------------------------------------------------------

    def between(self, place: int) -> Scope:
        """For what is told while no job is at work."""
        if (scope := self._between.get(place)) is None:
            scope = self._between[place] = self._around[place].fork()
        return scope

    def fork(self, place: int, task: "IdempotentTask", job: "Job") -> Scope:
        """Of the scope around, for the job at work."""
        return self._fork_isolation(task, job) if place == ISOLATION else self._fork_current(task)

    def _fork_isolation(self, task: "IdempotentTask", job: "Job") -> Scope:
        scope = self._around[ISOLATION].fork()
        scope.clear_breadcrumbs()
        scope.add_event_processor(partial(sentry_events.tell_of_job, task, job))
        scope.set_transaction_name(task.name, source="task")
        scope.generate_propagation_context(_trace(_continued(job.claimed)))
        return scope

    def _fork_current(self, task: "IdempotentTask") -> Scope:
        scope = self._around[CURRENT].fork()
        scope.span = None  # what is around is the hint's, and leads to nobody
        if self._sampled is False and has_tracing_enabled(sentry_sdk.get_client().options):
            # It is never started: it says to whoever is called by the body that this trace is not sampled.
            scope.span = self._transaction(task)
        return scope

    def _transaction(self, task: "IdempotentTask") -> "Transaction":
        as_it_is: Any = None  # the isolation scope has continued the trace already
        transaction = Scope.get_isolation_scope().continue_trace(
            as_it_is, op="queue.task.celery", name=task.name, source="task", origin=ORIGIN
        )
        if self._sampled is not None:
            transaction.sampled = self._sampled
        return transaction


def _report(task: "IdempotentTask", job: "Job", error: BaseException | None) -> None:
    if transaction := Scope.get_current_scope().transaction:
        transaction.set_status(STATUS.get(job.outcome or Outcome.LOST, "aborted"))
    check_ins.ended(job)
    if job.outcome is Outcome.GIVEN_UP and not isinstance(error, task.throws or ()):
        sentry_events.capture(task, job, error)


def _telling(claim: Claim) -> dict[int, bool | None]:
    """The numbers of those jobs that are told of when they succeed, and whether they are traced."""
    telling = {}
    for claimed in claim.telling(_may_tell):
        sampled = _sampled(_continued(claimed))
        if sampled is not False or check_ins.HEADER in _headers(claimed):
            telling[claimed.number] = sampled
    return telling


def _may_tell(options: Options) -> bool:
    """Whether the first attempts of those that carry them may tell something, as far as their headers say."""
    headers = (options or NOTHING).get("headers") or NOTHING
    return check_ins.HEADER in headers or _said(headers) is not False


def _headers(claimed: Claimed) -> Mapping[str, str]:
    return (claimed.options or NOTHING).get("headers") or NOTHING


def _continued(claimed: Claimed) -> Mapping[str, str]:
    """Of the caller's trace: a replay after three days must not make a trace of three days."""
    return _headers(claimed) if claimed.attempt == 1 and not claimed.replay_count else NOTHING


def _trace(continued: Mapping[str, str]) -> dict[str, str]:
    """What Sentry goes on with. A trace that is not its own has OpenTelemetry's ids, which the logs tell too."""
    if continued.get("sentry-trace", "").endswith(SAMPLED) or not (header := continued.get("traceparent")):
        return dict(continued)
    ids = traceparent.ids(header)
    return dict(continued) if ids is None else {"sentry-trace": f"{ids[0]}-{ids[1]}{NOT_SAMPLED}"}


def _sampled(continued: Mapping[str, str]) -> bool | None:
    """Whether to trace it; None: let Sentry decide, where the project has a sampler. Drawing here costs a fiftieth."""
    if (said := _said(continued)) is not None:
        return said
    options = sentry_sdk.get_client().options
    if not has_tracing_enabled(options):
        return False
    if options.get("traces_sampler"):
        return None
    return random.random() < float(options.get("traces_sample_rate") or 0)  # noqa: S311 - no secret


def _said(continued: Mapping[str, str]) -> bool | None:
    """What the caller's sampler decided; None where it left that to others."""
    if (sent := continued.get("sentry-trace")) is None:
        return False if traceparent.is_left_out(continued.get("traceparent")) else None
    return {NOT_SAMPLED: False, SAMPLED: True}.get(sent[-2:])


def _insights(job: "Job") -> dict[str, Any]:
    """What Sentry's page of queues is made of."""
    claimed = job.claimed
    waited = claimed.lease_expires_at - conf.lease() - claimed.available_at  # both ends by the database's clock
    return {
        "messaging.system": sentry_events.SYSTEM,
        "messaging.destination.name": claimed.queue,
        "messaging.message.id": str(claimed.id),
        "messaging.message.receive.latency": max(0.0, waited.total_seconds() * 1000),
        "messaging.message.retry.count": claimed.attempt - 1,
    }
