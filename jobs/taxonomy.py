"""What an error says about the job: is it worth another attempt, and whose fault was it?"""

import logging
import smtplib
import socket
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from django.utils.module_loading import import_string

from idempotency.errors import EnqueueError
from jobs import conf, log_events, retry_after
from jobs.answers import by_answer, refuses
from jobs.errors import (
    PermanentError,
    QueueFull,
    RateLimitedError,
    RefusedError,
    StepChangedError,
    StepInTransactionError,
    TransientError,
    UnknownOutcomeError,
)
from jobs.kinds import by_kind, is_a, kinds
from jobs.verdicts import Classifier, Permanent, RateLimited, Refused, Transient, Unknown, Verdict

__all__ = [
    "BuiltIn",
    "Classifier",
    "Permanent",
    "RateLimited",
    "Refused",
    "Transient",
    "Unknown",
    "Verdict",
    "classify",
    "load",
    "proves_nothing_done",
]

logger = logging.getLogger(__name__)


def classify(error: BaseException, task: Classifier | None = None) -> Verdict:
    """The verdict on an error that left a task's body: the task's own, else a global classifier's, else the built-in.

    Never raises: a classifier that fails is logged and passed over.
    """
    if is_a(error, ("celery", "Retry")):  # the body has decided already; what it had caught tells whose trouble it is
        inner = _cause(error)
        meant = Transient() if inner is error else classify(inner, task)
        return meant if isinstance(meant, Transient) else Transient()
    for classifier in _in_order(task):
        verdict = _ask(classifier, error)
        if verdict is not None:
            return verdict
    return Transient()


class BuiltIn:
    """The classifier that comes last: this package's own errors, then answers, then known classes."""

    def classify(self, error: BaseException) -> Verdict | None:
        match error:
            case RateLimitedError() | QueueFull():  # who asked for room before he began is not to blame either
                return RateLimited(_wait(error.wait if isinstance(error, QueueFull) else error.retry_after))
            case PermanentError() | EnqueueError():  # a request that was refused once is refused again
                return Permanent()
            case RefusedError():
                return Refused()
            case UnknownOutcomeError():
                return Unknown()
            case TransientError():
                return Transient(by_vendor=error.by_vendor)
        return by_answer(error) or by_kind(error)


def load(path: str) -> Classifier:
    """The classifier at a dotted path: an object, or a class to make one of.

    Raises:
        ImportError: there is nothing at that path.
        TypeError: what is there is no classifier.
    """
    found = import_string(path)
    found = found() if isinstance(found, type) else found
    if not isinstance(found, Classifier):
        raise TypeError(f"{path} is {found!r}, which has no method classify(error)")
    return found


_loaded = cache(load)  # an error is not kept, so that each one is told


def _in_order(task: Classifier | None) -> Iterator[Classifier]:
    if task is not None:
        yield task
    for path in conf.classifiers():
        try:
            yield _loaded(path)
        except Exception:
            logger.exception(
                "JOBS_CLASSIFIERS: %s cannot be loaded and is passed over", path, extra=log_events.CLASSIFIER_FAILED
            )
    yield BuiltIn()


def _ask(classifier: Classifier, error: BaseException) -> Verdict | None:
    try:
        verdict: Any = classifier.classify(error)
    except Exception:
        logger.exception(
            "%r failed to classify %s and is passed over",
            classifier,
            type(error).__name__,
            extra=log_events.CLASSIFIER_FAILED,
        )
        return None
    if isinstance(verdict, RateLimited):
        return RateLimited(_wait(verdict.wait))
    if verdict is None or isinstance(verdict, Verdict):
        return verdict
    logger.error(
        "%r returned %r, which is no verdict, and is passed over",
        classifier,
        verdict,
        extra=log_events.CLASSIFIER_FAILED,
    )
    return None


def _wait(asked: Any) -> timedelta | None:
    """A span or an aware moment; with anything else the vendor's queue still pauses, for the task's own backoff."""
    try:
        span = asked - datetime.now(UTC) if isinstance(asked, datetime) else asked
        return None if span is None or span <= timedelta(0) else retry_after.capped(span)
    except TypeError:
        logger.error(  # noqa: TRY400 - says it all
            "retry_after is %r; give a timedelta, an aware datetime or None",
            asked,
            extra=log_events.RETRY_AFTER_INVALID,
        )
        return None


def proves_nothing_done(error: BaseException) -> bool:
    """Whether the call that ended with this error had no effect: it was never sent, or it was refused.

    A task's own word counts: whoever raises `TransientError` around a call says that the call may be made again. A
    classifier's does not: a verdict says whether to try again, not what has happened.
    """
    error = _cause(error)
    if isinstance(error, SAID_BY_THE_TASK):
        return not isinstance(error, ABOUT_STEPS)
    return refuses(error) or any(isinstance(e, NEVER_TAKEN) or is_a(e, *BEFORE_THE_REQUEST) for e in _inside(error))


SAID_BY_THE_TASK = (TransientError, PermanentError, RateLimitedError, RefusedError)
ABOUT_STEPS = (StepChangedError, StepInTransactionError)  # raised for the task, maybe behind its call
# A mail server's answer is a refusal, else smtplib raises nothing; of several recipients it names those it refused all.
# A certificate is checked before anything is sent; of another TLS error nobody knows when it came.
NEVER_TAKEN = (
    ConnectionRefusedError,
    socket.gaierror,
    ssl.SSLCertVerificationError,
    smtplib.SMTPResponseException,
    smtplib.SMTPRecipientsRefused,
    smtplib.SMTPNotSupportedError,
)
# What httpx, requests, urllib3 and aiohttp raise before anything is sent.
BEFORE_THE_REQUEST = (
    ("httpx", "ConnectError"),
    ("httpx", "ConnectTimeout"),
    ("httpx", "PoolTimeout"),
    ("httpx", "UnsupportedProtocol"),
    ("requests", "ConnectTimeout"),
    ("requests", "InvalidURL"),
    ("requests", "InvalidSchema"),
    ("requests", "MissingSchema"),
    ("urllib3", "NewConnectionError"),
    ("urllib3", "ConnectTimeoutError"),
    ("aiohttp", "ClientConnectorError"),
)
WRAPPERS = frozenset({"requests", "urllib3", "urllib"})
DEEPEST = 4  # requests' error holds urllib3's, which holds another of urllib3's, which holds the socket's


def _cause(error: BaseException) -> BaseException:
    """Of Celery's Retry what the body had caught; of any other error itself."""
    inner = getattr(error, "exc", None)
    return inner if isinstance(inner, BaseException) else error


def _inside(error: BaseException) -> Iterator[BaseException]:
    """The error, and those that requests, urllib3 and urllib have put into it."""
    found: Any = error
    for _ in range(DEEPEST):
        yield found
        if WRAPPERS.isdisjoint(package for package, _ in kinds(found)):
            return
        reason = getattr(found, "reason", None)
        found = reason if isinstance(reason, BaseException) else next(iter(found.args), None)
        if not isinstance(found, BaseException):
            return
