"""Jobs whose callers OpenTelemetry's sampler left out: they make no span, and nobody whom they call makes one."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from opentelemetry import context as contexts
from opentelemetry import propagate, trace
from opentelemetry.context import Context
from opentelemetry.trace import NonRecordingSpan, Span, SpanContext, TraceFlags

from jobs import observers, traceparent
from jobs.claim import Claim
from jobs.observers import Along

READ = frozenset({"traceparent", "tracestate", "baggage"})
Sent = tuple[str, str, str]  # the same

_SAMPLE = f"00-{1:032x}-{1:016x}-00"


class LeftOut(Along):
    """One context for all of them, which tells of whatever job is at work when it is asked."""

    def __init__(self, claim: Claim) -> None:
        understood = left_out(_SAMPLE, "", "") is not None  # by this process's propagators
        self.told = {claimed.number for claimed in claim.telling(_tells if understood else _always)}
        self._context = trace.set_span_in_context(_AtWork(trace.get_current_span()), Context())
        self._token = contexts.attach(self._context)

    def mend(self) -> None:
        if contexts.get_current() is not self._context:  # a body has attached its own and not detached it
            contexts.attach(self._context)

    def leave(self) -> None:
        contexts.detach(self._token)


class _AtWork(NonRecordingSpan):
    """What the job at work carries, never sampled; between two jobs the span around."""

    def __init__(self, around: Span) -> None:
        super().__init__(trace.INVALID_SPAN_CONTEXT)
        self._around = around

    def get_span_context(self) -> SpanContext:
        if (at_work := observers.at_work) is None:
            return self._around.get_span_context()
        found = sent(at_work[1].claimed.options)
        return trace.INVALID_SPAN_CONTEXT if found is None else _unsampled(span_in(remote(*found)))


def _unsampled(span: SpanContext) -> SpanContext:
    """A thread that outlives its job may meet one that is sampled."""
    if not span.trace_flags.sampled:
        return span
    return SpanContext(span.trace_id, span.span_id, span.is_remote, TraceFlags(TraceFlags.DEFAULT), span.trace_state)


def _tells(options: Mapping[str, Any] | None) -> bool:
    """Unless a caller was left out, and all that is to be known of that is the one header."""
    if (found := sent(options)) is None:
        return True
    header, tracestate, baggage = found
    return bool(tracestate or baggage) or not traceparent.is_left_out(header)


def _always(_options: Mapping[str, Any] | None) -> bool:
    return True


def sent(options: Mapping[str, Any] | None) -> Sent | None:
    """Those of a record's headers that a caller's context is made of; None where it had none."""
    headers = options.get("headers") if options else None
    return of_headers(headers) if headers else None


def of_headers(headers: Mapping[str, str]) -> Sent | None:
    """The same, of the headers themselves."""
    if (header := headers.get("traceparent")) is None:
        return None
    return header, headers.get("tracestate", ""), headers.get("baggage", "")


def caller_of(headers: Mapping[str, str]) -> Context:
    """The caller's context, of all headers that this process's propagators may read."""
    found = of_headers(headers)
    if found is not None and headers.keys() <= READ:
        return remote(*found)
    return propagate.extract(headers, Context()) if headers else Context()


@lru_cache(256)  # jobs that were enqueued together come with one header
def remote(header: str, tracestate: str, baggage: str) -> Context:
    headers = {"traceparent": header, "tracestate": tracestate, "baggage": baggage}
    return propagate.extract({name: value for name, value in headers.items() if value}, Context())


@lru_cache(256)
def left_out(header: str, tracestate: str, baggage: str) -> Context | None:
    """The caller's context, for whatever the body traces; None where the caller is sampled, or nothing can be read."""
    span = span_in(context := remote(header, tracestate, baggage))
    return context if span.is_valid and not span.trace_flags.sampled else None


def span_in(context: Context) -> SpanContext:
    return trace.get_current_span(context).get_span_context()
