"""Tasks whose bodies tell much: for tests of what is seen of them."""

import logging

import sentry_sdk
import structlog
from opentelemetry import trace

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
