"""Calls of vendors, measured: how long each took and how it ended."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from jobs import observers
from jobs.kinds import kinds
from jobs.metrics.measuring import here
from jobs.taxonomy import classify
from jobs.verdicts import Permanent, RateLimited, Refused

NAME = "jobs_vendor_request_duration_seconds"
TROUBLE = ("server_error", "timeout", "connection_error")  # the vendor's own, of `catalogue.OUTCOMES`


@contextmanager
def vendor_call(vendor: str) -> Iterator[None]:
    """Around one call of a vendor, up to the last byte of its answer: measures it, and traces it where jobs are.

    What it raises goes through. Raise for a bad status inside, so that it counts as one: `response.raise_for_status()`.
    Wait for a slot (`take_slot`) outside: that is our own wait.
    """
    began, outcome = time.monotonic(), "ok"
    try:
        with observers.around(lambda o: o.calling(vendor)):
            yield
    except BaseException as error:
        outcome = _outcome(error)
        raise
    finally:
        here.observe(NAME, time.monotonic() - began, vendor, outcome)


def _outcome(error: BaseException) -> str:
    match classify(error):
        case RateLimited():
            return "rate_limited"
        case Refused():
            return "refused"
        case Permanent():
            return "client_error"
        case _:
            return _trouble(error)


def _trouble(error: BaseException) -> str:
    if getattr(error, "response", None) is not None:
        return "server_error"
    timed_out = any("Timeout" in name for _, name in kinds(error)) or isinstance(error, TimeoutError)
    return "timeout" if timed_out else "connection_error"
