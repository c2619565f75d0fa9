"""Tasks whose bodies tell much: for tests of what is seen of them."""

import gc
import logging

import sentry_sdk
import structlog
from opentelemetry import propagate, trace
from opentelemetry.context import attach
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags
from opentelemetry.trace import Span as OtelSpan
from sentry_sdk.tracing import Span

from jobs import PermanentError, RetryPolicy, vendor_call
from tests.app.tasks import Stubborn, Task


class CallsVendor(Task):
    """Makes one call of a vendor."""

    dedupe_key = ("name",)
    queue = "open"
    vendor = "open"

    def run(self, name: str) -> str:
        self.mark(name)
        with vendor_call("open"):
            return name


class Overruns(Stubborn):
    """Is ended by its hard limit, and has one attempt."""

    soft_time_limit, time_limit = 0.3, 0.6
    retry_policy = RetryPolicy(max_attempts=1)


class Confides(Task):
    """Tells its secrets to everybody who would listen, and fails with them where it is told to."""

    dedupe_key = ("email", "number")
    account = "email"
    sensitive = ("email", "card")

    def run(self, number: int, email: str, card: dict[str, str], fail: bool) -> dict[str, object]:
        told = f"{email} pays with {card['number']}"
        logging.getLogger("app").warning("to everybody: %s", told, extra={"beside": {"told": told}})
        structlog.get_logger("app").warning("to everybody", told=told)
        print("printed", told)
        sentry_sdk.add_breadcrumb(message=told, data={"card": card})
        sentry_sdk.capture_message(f"said of {told}")
        with trace.get_tracer("app").start_as_current_span(f"said of {email}", attributes={"told": told}) as span:
            span.add_event("told", {"told": told})
        try:
            int(told)
        except ValueError as error:
            logging.getLogger("app").exception("it went wrong")
            if fail:
                error.add_note(told)
                raise PermanentError(f"refused: {card!r}, {email}") from error
        return {"number": number, "told": told}


class Leaves(Task):
    """Leaves with Sentry whatever can be left there, or nothing, and fails where it is told to."""

    dedupe_key = ("name",)

    def run(self, name: str, leaves: bool, fails: bool) -> None:
        if leaves:
            sentry_sdk.set_tag("left", name)
            sentry_sdk.set_user({"id": name})
            sentry_sdk.set_context("left", {"by": name})
            sentry_sdk.set_extra("left", name)
            sentry_sdk.add_breadcrumb(message=f"left by {name}")
        if leaves and fails:  # who succeeds touches one of the two scopes alone
            sentry_sdk.get_current_scope().set_tag("left within", name)
            sentry_sdk.get_current_scope().add_event_processor(lambda event, _hint: event | {"logger": name})
        if fails:
            raise PermanentError(f"{name} fails")


class Strays(Task):
    """Returns the span that it is in, enters scopes and contexts of its own, and leaves none of them."""

    dedupe_key = ("name",)

    def run(self, name: str) -> str:
        within = trace.get_current_span().get_span_context()
        for enter in (sentry_sdk.Scope.set_isolation_scope, sentry_sdk.Scope.set_current_scope):
            scope = sentry_sdk.Scope()
            scope.set_tag("left", name)
            enter(scope)
        sampled = SpanContext(within.trace_id, 1, is_remote=False, trace_flags=TraceFlags(TraceFlags.SAMPLED))
        attach(trace.set_span_in_context(NonRecordingSpan(sampled)))
        return f"{within.trace_id:032x}-{within.span_id:016x}-{within.trace_flags:02x}"


class CountsSpans(Task):
    """Returns what was made to trace it, and what whoever it calls is told of its trace."""

    dedupe_key = ("name",)

    def run(self, name: str) -> dict[str, object]:  # noqa: ARG002 - what makes it another job
        made = [type(o).__name__ for o in gc.get_objects() if _is_of_a_job(o)]
        with trace.get_tracer("app").start_as_current_span("within the body"), sentry_sdk.start_span(name="within"):
            told: dict[str, str] = {"sentry-trace": sentry_sdk.get_traceparent() or ""}
            propagate.inject(told)
        return {"made": made, "told": told}


class SpoilsHeaders(Task):
    """Returns the headers that came with it, and leaves none behind."""

    dedupe_key = ("name",)

    def run(self, name: str) -> dict[str, str]:  # noqa: ARG002 - what makes it another job
        headers = dict(self.request.headers)
        self.request.headers.clear()
        return headers


def _is_of_a_job(thing: object) -> bool:
    """Whether it is a span that this process has made, and not for a hint."""
    if isinstance(thing, Span):
        return "jobs.hint" not in (thing.description, getattr(thing, "name", None))
    if not isinstance(thing, OtelSpan):
        return False
    context = thing.get_span_context()
    return context.is_valid and not (isinstance(thing, NonRecordingSpan) and context.is_remote)
