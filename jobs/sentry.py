"""Sentry: one issue per task, error class and vendor, when a job is given up, and not at each retry.

    import sentry_sdk
    from jobs.sentry import JobsIntegration

    sentry_sdk.init(dsn=…, integrations=[JobsIntegration()], traces_sample_rate=0.01)

Sentry's own integration for Celery goes on with all other tasks; jobs are this one's, so that none is reported twice.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from inspect import unwrap
from typing import TYPE_CHECKING, Any

import sentry_sdk
from sentry_sdk.integrations import Integration
from sentry_sdk.integrations.logging import ignore_logger
from sentry_sdk.scope import add_global_event_processor

from jobs import check_ins, observers, sentry_events, sentry_scopes, traceparent
from jobs.claim import Claim
from jobs.observers import Along, Context, Death, Ends, Enqueuing, Observer
from jobs.sentry_attempts import ORIGIN, SAMPLED, Pair
from jobs.task import registered

if TYPE_CHECKING:
    from jobs.context import Job
    from jobs.task import IdempotentTask

# They log what is captured here with its job: that a process died, and that a hint's task failed with it.
SILENCED = ("celery.worker.request", "celery.concurrency.asynpool", "multiprocessing")

_taken_over = set[str]()  # names of tasks


class JobsIntegration(Integration):
    """`local_variables`: send those of the frames of an error; they may hold any value of a payload."""

    identifier = sentry_events.INTEGRATION

    def __init__(self, *, local_variables: bool = False) -> None:
        self.local_variables = local_variables

    @staticmethod
    def setup_once() -> None:
        observers.add(Reports())
        for logger in SILENCED:
            ignore_logger(logger)
        add_global_event_processor(sentry_events.scrub)


class Reports(Observer):
    _pair: Pair | None = None

    def ticking(self, schedule: str, nominal: datetime, times: Mapping[str, Any]) -> Context:  # noqa: ARG002 - as asked
        return check_ins.ticking(schedule, times) if sentry_events.wanted() else None

    def missed(self, schedule: str, times: Mapping[str, Any]) -> None:
        if sentry_events.wanted():
            check_ins.missed(schedule, times)

    def enqueuing(self, enqueuing: Enqueuing) -> Context:
        return _publishing(enqueuing) if sentry_events.wanted() else None

    def along(self, claim: Claim) -> Along:
        self._pair = None
        if not sentry_events.wanted():
            return Along()
        for name in {claimed.task for claimed in claim}:
            _take_over(name)
        self._pair = Pair(claim)
        return self._pair

    def running(
        self,
        task: "IdempotentTask",
        job: "Job",
        request: dict[str, Any],  # noqa: ARG002 - as asked
    ) -> Ends | None:
        return self._pair.begin(task, job) if self._pair else None

    def unseen(self) -> Context:
        """Its integrations for Celery and Redis make two spans and a breadcrumb of each message, all thrown away."""
        return sentry_scopes.nobodys() if sentry_events.wanted() else None

    def died(self, death: Death) -> None:
        if sentry_events.wanted():
            sentry_events.tell_of_death(death)

    def flush(self) -> None:
        if sentry_events.wanted():
            sentry_sdk.flush(2.0)


# -- enqueue ----------------------------------------------------------------------------------------------------------


@contextmanager
def _publishing(enqueuing: Enqueuing) -> Iterator[None]:
    with sentry_sdk.start_span(op="queue.publish", name=enqueuing.task.name, origin=ORIGIN) as span:
        headers = dict(sentry_sdk.get_isolation_scope().iter_trace_propagation_headers(span=span))
        if not headers.get("sentry-trace", "").endswith(SAMPLED):
            # Each byte is written three times, and of use only where the caller is sampled.
            headers.pop("baggage", None)
            if traceparent.is_left_out(enqueuing.headers.get("traceparent")):
                headers.pop("sentry-trace", None)
        enqueuing.headers.update(headers)
        with check_ins.of_tick(enqueuing):
            yield
        span.set_data("messaging.system", sentry_events.SYSTEM)
        span.set_data("messaging.destination.name", enqueuing.queue)
        if len(enqueuing.answers) == 1:
            span.set_data("messaging.message.id", str(enqueuing.answers[0].id))


# -- the integration for Celery ---------------------------------------------------------------------------------------


def _take_over(name: str) -> None:
    """Undo what the integration for Celery has put around a task, or its jobs would be reported twice.

    It also makes a connection to the broker for each task, to read its kind: ten times what the rest of a job costs.
    """
    if name in _taken_over or (kind := registered().get(name)) is None:
        return
    _taken_over.add(name)
    task: Any = kind.instance()
    if (tracer := getattr(task, "__trace__", None)) is not None:
        task.__trace__ = unwrap(tracer)
    called = kind.__dict__.get("__call__")
    if called is not None and hasattr(called, "__wrapped__"):
        kind.__call__ = called.__wrapped__  # type: ignore[method-assign]
