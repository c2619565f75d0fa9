"""Traces: one from the caller's request through record, hint and claim to the body and the vendor.

    from jobs import opentelemetry

    opentelemetry.instrument()  # after the tracer provider is set, in every process

The context is kept in the record's options, beside what Celery's canvas puts there, and never in the payload. The
first attempt continues the caller's trace. A retry and a replay start one of their own with a link to it: a replay
after three days must not make a trace of three days. What the caller's sampler left out the worker leaves out too.
"""

import os
import time
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import Token
from functools import partial
from typing import TYPE_CHECKING, Any

from opentelemetry import context as contexts
from opentelemetry import propagate, trace
from opentelemetry.context import Context
from opentelemetry.trace import Link, Span, SpanContext, SpanKind, Status, StatusCode

from jobs import masking, observers, traceparent
from jobs.claim import Claim
from jobs.left_out import LeftOut, Sent, caller_of, left_out, of_headers, remote, sent, span_in
from jobs.observers import Along, Death, Ends, Enqueuing, Observer

if TYPE_CHECKING:
    from opentelemetry.trace import TracerProvider

    from jobs.context import Job
    from jobs.task import IdempotentTask

NAME = "celery-idempotent-jobs"
SYSTEM = "postgresql"  # the queue is a table; brokers carry hints
MOST_LINKS = 32  # of one claim: exporters cut longer lists
CLAIMS_KEPT = 8  # newest ones that jobs may link to


def instrument(tracer_provider: "TracerProvider | None" = None) -> "Tracing":
    """Trace jobs with this provider, or with the global one; once per process, before workers fork."""
    known = next((o for o in observers.watching if isinstance(o, Tracing)), None)
    tracing = known or Tracing(tracer_provider or trace.get_tracer_provider())
    observers.add(tracing, first=True)
    return tracing


class Tracing(Observer):
    """Spans of jobs, after OpenTelemetry's conventions for messaging."""

    def __init__(self, provider: "TracerProvider") -> None:
        self._provider = provider
        self._tracer = trace.get_tracer(NAME, tracer_provider=provider)
        self._claims: OrderedDict[Any, SpanContext] = OrderedDict()
        if hasattr(provider, "add_span_processor"):
            provider.add_span_processor(_masking_processor())

    @contextmanager
    def enqueuing(self, enqueuing: Enqueuing) -> Iterator[None]:
        attributes = _messaging(enqueuing.queue, "send") | {"jobs.task": enqueuing.task.name}
        with self._span(f"send {enqueuing.queue}", SpanKind.PRODUCER, attributes) as span:
            propagate.inject(enqueuing.headers)
            yield
            if span.is_recording():
                span.set_attributes(_answered(enqueuing))

    @contextmanager
    def hinting(self, queue: str, headers: dict[str, str]) -> Iterator[None]:
        """In the caller's trace; a relay's hints belong to nobody's."""
        if not trace.get_current_span().get_span_context().is_valid:
            yield
            return
        with self._span(f"hint {queue}", SpanKind.PRODUCER, _messaging(queue, "hint")):
            propagate.inject(headers)
            yield

    def claimed(self, queue: str, claim: Claim, seconds: float, headers: Mapping[str, str]) -> None:
        if (hint := of_headers(headers)) is not None and left_out(*hint) is not None:
            return
        origins = [origin for key in _sampled(claim) if (origin := span_in(remote(*key))).trace_flags.sampled]
        ended = time.time_ns()
        span = self._tracer.start_span(
            f"receive {queue}",
            context=caller_of(headers),
            kind=SpanKind.CLIENT,
            attributes=_messaging(queue, "receive") | {"messaging.batch.message_count": len(claim)},
            links=[Link(origin) for origin in origins[:MOST_LINKS]],
            start_time=ended - int(seconds * 1e9),
        )
        if not span.is_recording():
            return
        span.end(ended)
        self._claims[claim[0].lease_id] = span.get_span_context()
        while len(self._claims) > CLAIMS_KEPT:
            self._claims.popitem(last=False)

    def along(self, claim: Claim) -> Along:
        return LeftOut(claim)

    def running(
        self,
        task: "IdempotentTask",
        job: "Job",
        request: dict[str, Any],  # noqa: ARG002 - as asked
    ) -> Ends:
        claimed = job.claimed
        first = claimed.attempt == 1 and not claimed.replay_count
        if first and (found := sent(claimed.options)) is not None and (context := left_out(*found)) is not None:
            return _Within(context)
        return self._process(task, job, first=first)

    def _process(self, task: "IdempotentTask", job: "Job", *, first: bool) -> Ends:
        claimed = job.claimed
        caller = caller_of((claimed.options or {}).get("headers") or {})
        links = [Link(span)] if (span := self._claims.get(claimed.lease_id)) else []
        origin = span_in(caller)
        if not first and origin.is_valid:
            links.append(Link(origin, {"jobs.link": "replay" if claimed.replay_count else "retry"}))
        attributes = _messaging(claimed.queue, "process") | _of_job(task, job)
        within = caller if first else Context()
        made = self._tracer.start_span(f"process {claimed.queue}", within, SpanKind.CONSUMER, attributes, links)
        # Not by contexts of `with`: three of them cost as much as the span.
        return partial(_end, job, made, contexts.attach(trace.set_span_in_context(made)))

    @contextmanager
    def calling(self, vendor: str) -> Iterator[None]:
        with self._span(f"call {vendor}", SpanKind.CLIENT, {"peer.service": vendor, "jobs.vendor": vendor}):
            yield

    def died(self, death: Death) -> None:
        attributes = _messaging(death.queue, "process") | {"messaging.message.id": str(death.id)}
        attributes |= {"jobs.task": death.task, "jobs.attempt": death.attempt, "jobs.outcome": f"died, {death.state}"}
        with self._span(f"died {death.queue}", SpanKind.CONSUMER, attributes, Context()) as span:
            span.set_status(Status(StatusCode.ERROR, death.sentence))

    def flush(self) -> None:
        if hasattr(self._provider, "force_flush"):
            self._provider.force_flush(2_000)

    @contextmanager
    def _span(
        self,
        name: str,
        kind: SpanKind,
        attributes: dict[str, Any],
        context: Context | None = None,
        links: Sequence[Link] = (),
    ) -> Iterator[Span]:
        """Exceptions are noted by their class alone: their texts may tell what must not be seen."""
        with self._tracer.start_as_current_span(
            name, context, kind, attributes, links, record_exception=False, set_status_on_exception=False
        ) as span:
            try:
                yield span
            except BaseException as error:
                span.set_attribute("error.type", type(error).__name__)
                span.set_status(StatusCode.ERROR)
                raise


class _Within:
    """What the caller's sampler left out, with more than the one header. A span that records nothing costs far more."""

    __slots__ = ("_token",)

    def __init__(self, context: Context) -> None:
        self._token = contexts.attach(context)

    def __call__(self, _error: BaseException | None) -> None:
        contexts.detach(self._token)


def _end(job: "Job", span: Span, token: Token[Context], _error: BaseException | None) -> None:
    if span.is_recording():
        span.set_attribute("jobs.outcome", job.outcome or "unknown")
        if (problem := job.problem) is not None:
            span.set_attribute("error.type", problem.error_class)
            span.set_status(Status(StatusCode.ERROR, problem.summary))
            told = {"exception.type": problem.error_class, "exception.message": problem.message}
            span.add_event("exception", told | {"exception.stacktrace": problem.traceback or ""})
    contexts.detach(token)
    span.end()


def _sampled(claim: Claim) -> set[Sent]:
    """What the callers sent who may be sampled."""
    found = {key for options in claim.options if (key := sent(options)) is not None}
    return {key for key in found if not traceparent.is_left_out(key[0])}


def _messaging(queue: str, operation: str) -> dict[str, Any]:
    kind = {"send": "send", "hint": "send", "receive": "receive", "process": "process"}[operation]
    return {
        "messaging.system": SYSTEM,
        "messaging.destination.name": queue,
        "messaging.operation.name": operation,
        "messaging.operation.type": kind,
    }


def _of_job(task: "IdempotentTask", job: "Job") -> dict[str, Any]:
    claimed = job.claimed
    return {
        "messaging.message.id": str(claimed.id),
        "messaging.message.conversation_id": str(claimed.key or ""),
        "jobs.task": task.name,
        "jobs.vendor": task.vendor or "",
        "jobs.attempt": claimed.attempt,
        "jobs.replay": claimed.replay_count,
        "jobs.payload_version": claimed.payload_version,
        "jobs.worker": claimed.claimed_by.partition("/")[0],
        "process.pid": os.getpid(),
    }


def _answered(enqueuing: Enqueuing) -> dict[str, Any]:
    if enqueuing.count == 1:
        (answer,) = enqueuing.answers
        return {"messaging.message.id": str(answer.id), "jobs.created": answer.created}
    made = sum(answer.created for answer in enqueuing.answers)
    return {"messaging.batch.message_count": len(enqueuing.answers), "jobs.created": made}


def _masking_processor() -> Any:
    """Hides the secrets of the job at work in every span that ends meanwhile, whoever made it."""
    from opentelemetry.sdk.trace import SpanProcessor

    class Masking(SpanProcessor):
        def _on_ending(self, span: Any) -> None:
            if hidden := masking.secrets():
                _mask(span, hidden)

    return Masking()


def _mask(span: Any, hidden: list[str]) -> None:
    """What has ended has no public way to be changed, and before that nobody knows all that will be in it."""
    span._name = masking.masked(span.name, hidden)  # noqa: SLF001
    span._attributes = masking.masked(dict(span.attributes or {}), hidden)  # noqa: SLF001
    if span.status.description:
        covered = masking.masked(span.status.description, hidden)
        span._status = Status(span.status.status_code, covered)  # noqa: SLF001
    for event in span.events:
        event._attributes = masking.masked(dict(event.attributes or {}), hidden)  # noqa: SLF001
