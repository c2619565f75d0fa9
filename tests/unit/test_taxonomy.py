"""What an error says about the job, for errors as httpx and requests raise them."""

import smtplib
import socket
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import httpx
import pytest
from celery.exceptions import Retry

from jobs import PermanentError, QueueFull, RateLimitedError, RefusedError, TransientError, UnknownOutcomeError, conf
from jobs.taxonomy import Permanent, RateLimited, Refused, Transient, Unknown, classify, proves_nothing_done


class RequestsError(Exception):
    """Shaped like requests.HTTPError: it carries the response, whose headers need not be httpx's."""

    def __init__(self, response):
        self.response = response


class LockBusyError(TransientError):
    by_vendor = False


def by_httpx(status, headers):
    request = httpx.Request("GET", "https://vendor.test/")
    response = httpx.Response(status, headers=headers, request=request)
    return httpx.HTTPStatusError("refused", request=request, response=response)


def by_requests(status, headers):
    return RequestsError(SimpleNamespace(status_code=status, headers=headers))


@pytest.mark.parametrize("raised", [by_httpx, by_requests])
@pytest.mark.parametrize(
    ("status", "headers", "verdict"),
    [
        (400, {}, Permanent()),
        (401, {}, Refused()),
        (403, {}, Refused()),
        (404, {}, Permanent()),
        (408, {}, Transient(by_vendor=True)),
        (409, {}, Permanent()),
        (422, {}, Permanent()),
        (425, {}, Transient(by_vendor=True)),
        (302, {}, Transient()),
        (429, {}, RateLimited(None)),
        (429, {"Retry-After": "7"}, RateLimited(timedelta(seconds=7))),
        (429, {"Retry-After": "garbage"}, RateLimited(None)),
        (500, {}, Transient(by_vendor=True)),
        (502, {}, Transient(by_vendor=True)),
        (503, {}, Transient(by_vendor=True)),
        (503, {"Retry-After": "3"}, RateLimited(timedelta(seconds=3))),
        (504, {"Retry-After": "3"}, Transient(by_vendor=True)),
    ],
)
def test_a_status_has_one_verdict(raised, status, headers, verdict):
    assert classify(raised(status, headers)) == verdict


@pytest.mark.parametrize(
    ("error", "verdict"),
    [
        (TransientError("again"), Transient(by_vendor=True)),
        (PermanentError("never"), Permanent()),
        (RefusedError("who are you"), Refused()),
        (TransientError("a lock of ours is busy", by_vendor=False), Transient()),
        (LockBusyError("the same"), Transient()),
        (RateLimitedError(retry_after=timedelta(seconds=4)), RateLimited(timedelta(seconds=4))),
        (QueueFull("bulk-import", 10, 10, 3, 7), RateLimited(timedelta(seconds=7))),
        (QueueFull("bulk-import", 10, 10, 11, None), RateLimited(None)),
        (RateLimitedError(), RateLimited(None)),
        (RateLimitedError(retry_after=timedelta(seconds=-4)), RateLimited(None)),
        (RateLimitedError(retry_after=datetime(2001, 1, 1, tzinfo=UTC)), RateLimited(None)),
        (httpx.ConnectTimeout("slow"), Transient(by_vendor=True)),
        (httpx.ReadError("reset"), Transient(by_vendor=True)),
        (TimeoutError(), Transient(by_vendor=True)),
        (ConnectionResetError(), Transient(by_vendor=True)),
        (ValueError("whatever is unknown"), Transient()),
        (KeyError("a bug in the body"), Transient()),
        (RateLimitedError(retry_after=datetime(2001, 1, 1)), RateLimited(None)),  # noqa: DTZ001 - which has no zone
        (RateLimitedError(retry_after=5), RateLimited(None)),
        (Retry(exc=TimeoutError()), Transient(by_vendor=True)),
        (Retry(exc=PermanentError("and yet the body asks again")), Transient()),
        (Retry(), Transient()),
        (RequestsError(None), Transient()),
        (RequestsError({"Error": {"Code": "Throttled"}}), Transient()),
    ],
)
def test_errors_without_a_status_have_one_verdict_too(error, verdict):
    assert classify(error) == verdict


def test_an_absurd_wait_named_by_the_task_is_cut_like_a_vendors():
    assert classify(RateLimitedError(retry_after=timedelta(days=400))) == RateLimited(conf.max_pause())


@pytest.mark.parametrize("zone", ["GMT", "-0000"])
def test_a_date_is_measured_by_the_vendors_own_clock(zone):
    headers = {"Date": f"Sat, 01 May 2027 12:00:00 {zone}", "Retry-After": "Sat, 01 May 2027 12:00:30 GMT"}
    assert classify(by_requests(429, headers)) == RateLimited(timedelta(seconds=30))


@pytest.mark.parametrize("date", ["", "garbage", "Fri, 31 Dec 99999999999999999999 23:59:59 GMT"])
def test_a_vendor_with_a_broken_clock_is_measured_by_ours(date):
    assert classify(by_requests(429, {"Date": date, "Retry-After": "9"})) == RateLimited(timedelta(seconds=9))


def test_an_error_that_cannot_be_read_is_transient():
    class Broken(Exception):  # noqa: N818 - a name for what it is
        @property
        def response(self):
            raise RuntimeError("no response here")

    assert classify(Broken()) == Transient()


@pytest.mark.parametrize(
    ("error", "nothing_done"),
    [
        (ConnectionRefusedError(), True),
        (socket.gaierror("no such host"), True),
        (httpx.ConnectError("refused"), True),
        (httpx.ConnectTimeout("slow"), True),
        (httpx.UnsupportedProtocol("no scheme"), True),
        (smtplib.SMTPRecipientsRefused({}), True),
        (smtplib.SMTPDataError(554, b"spam"), True),
        (smtplib.SMTPServerDisconnected("gone"), False),
        (by_httpx(422, {}), True),
        (by_httpx(429, {}), True),
        (by_httpx(401, {}), True),
        (by_httpx(408, {}), False),
        (by_httpx(500, {}), False),
        (by_httpx(503, {"Retry-After": "3"}), True),
        (by_httpx(503, {}), False),
        (TransientError("the task says so"), True),
        (UnknownOutcomeError("the task says so"), False),
        (Retry(exc=ConnectionRefusedError()), True),
        (Retry(exc=TimeoutError()), False),
        (Retry(), False),
        (httpx.ReadTimeout("no answer"), False),
        (ConnectionResetError(), False),
        (TimeoutError(), False),
        (ValueError("whatever is unknown"), False),
    ],
    ids=repr,
)
def test_an_error_proves_that_nothing_was_done_or_it_does_not(error, nothing_done):
    assert proves_nothing_done(error) is nothing_done


def test_an_unknown_outcome_is_for_a_person():
    assert classify(UnknownOutcomeError("who knows")) == Unknown()
