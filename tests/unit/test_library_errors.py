"""What the errors of other people's libraries mean, as those libraries raise them."""

import errno
import smtplib
import socket
import ssl
import urllib.error
from email.message import Message
from http.client import IncompleteRead, RemoteDisconnected

import aiohttp
import django.db
import httpx
import psycopg
import pytest
import requests
import urllib3
from billiard.exceptions import SoftTimeLimitExceeded
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from jobs.taxonomy import Permanent, RateLimited, Refused, Transient, classify, proves_nothing_done

THEIRS, OURS = Transient(by_vendor=True), Transient()
CERTIFICATE = ssl.SSLCertVerificationError(1, "certificate has expired")


def headers(*pairs):
    message = Message()
    for name, value in pairs:
        message[name] = value
    return message


def by_urllib(status, *pairs):
    return urllib.error.HTTPError("https://vendor.test/", status, "no", headers(*pairs), None)


def by_aiohttp(status, *pairs, history=()):
    url, sent = URL("https://vendor.test/"), CIMultiDictProxy(CIMultiDict(pairs))
    about = aiohttp.RequestInfo(url, "POST", sent, url)
    return aiohttp.ClientResponseError(about, history, status=status, headers=sent)


def by_requests(status, *, history=()):
    response = requests.Response()
    response.status_code, response.history = status, list(history)
    return requests.HTTPError(response=response)


def requests_error(inner):
    pool = urllib3.HTTPSConnectionPool("vendor.test")
    return requests.ConnectionError(urllib3.exceptions.MaxRetryError(pool, "/", inner))


def wrapped(error, cause):
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "verdict"),
    [
        # smtplib: 4yz is for the moment, 5yz is final, 53x is about who we are
        (smtplib.SMTPDataError(451, b"try later"), THEIRS),
        (smtplib.SMTPDataError(554, b"spam"), Permanent()),
        (smtplib.SMTPSenderRefused(452, b"full", "a@b"), THEIRS),
        (smtplib.SMTPSenderRefused(553, b"no such sender", "a@b"), Permanent()),
        (smtplib.SMTPSenderRefused(530, b"authentication required", "a@b"), Refused()),
        (smtplib.SMTPAuthenticationError(535, b"bad credentials"), Refused()),
        (smtplib.SMTPAuthenticationError(454, b"temporary"), THEIRS),
        (smtplib.SMTPRecipientsRefused({"a@b": (550, b"no such user")}), Permanent()),
        (smtplib.SMTPRecipientsRefused({"a@b": (550, b"no"), "c@d": (450, b"greylisted")}), OURS),
        (smtplib.SMTPRecipientsRefused({"a@b": (421, b"closing")}), THEIRS),
        (smtplib.SMTPRecipientsRefused({"a@b": (530, b"log in")}), Refused()),
        (smtplib.SMTPRecipientsRefused({}), OURS),
        (smtplib.SMTPRecipientsRefused(None), OURS),
        (smtplib.SMTPConnectError(554, b"not today"), THEIRS),
        (smtplib.SMTPHeloError(501, b"who"), THEIRS),
        (smtplib.SMTPServerDisconnected("gone"), THEIRS),
        (smtplib.SMTPNotSupportedError("no SMTPUTF8"), OURS),
        # sockets and TLS
        (socket.gaierror(socket.EAI_AGAIN, "try again"), THEIRS),
        (TimeoutError(), THEIRS),
        (BrokenPipeError(), THEIRS),
        (OSError(errno.EHOSTUNREACH, "no route to host"), THEIRS),
        (FileNotFoundError(errno.ENOENT, "no template"), OURS),
        (ssl.SSLEOFError(8, "unexpected end"), THEIRS),
        (CERTIFICATE, THEIRS),
        (SoftTimeLimitExceeded(), THEIRS),
        # urllib and http.client
        (by_urllib(503), THEIRS),
        (by_urllib(422), Permanent()),
        (by_urllib(401), Refused()),
        (urllib.error.URLError(TimeoutError()), THEIRS),
        (RemoteDisconnected("nothing"), THEIRS),
        (IncompleteRead(b"half"), THEIRS),
        # httpx
        (httpx.RemoteProtocolError("garbage"), THEIRS),
        (httpx.ProxyError("away"), THEIRS),
        (httpx.TooManyRedirects("round and round"), THEIRS),
        (httpx.PoolTimeout("all taken"), OURS),
        (httpx.UnsupportedProtocol("no scheme"), OURS),
        (httpx.LocalProtocolError("a header of ours"), OURS),
        (httpx.InvalidURL("no"), OURS),
        # requests and urllib3
        (by_requests(500), THEIRS),
        (by_requests(404), Permanent()),
        (requests.ReadTimeout("slow"), THEIRS),
        (requests.exceptions.ChunkedEncodingError("half"), THEIRS),
        (requests_error(urllib3.exceptions.NewConnectionError(None, "refused")), THEIRS),
        (requests.exceptions.MissingSchema("no scheme"), OURS),
        (requests.exceptions.InvalidJSONError("NaN"), OURS),
        (urllib3.exceptions.ReadTimeoutError(None, "/", "slow"), THEIRS),
        # aiohttp
        (by_aiohttp(502), THEIRS),
        (by_aiohttp(403), Refused()),
        (aiohttp.ServerDisconnectedError(), THEIRS),
        (aiohttp.ServerTimeoutError(), THEIRS),
        (aiohttp.ClientPayloadError("half"), THEIRS),
        # the database: nothing that it says is a vendor's fault, and only a value that cannot fit is final
        (django.db.OperationalError("server closed the connection"), OURS),
        (wrapped(django.db.OperationalError("deadlock"), psycopg.errors.DeadlockDetected()), OURS),
        (django.db.InterfaceError("connection already closed"), OURS),
        (django.db.IntegrityError("duplicate key"), OURS),
        (django.db.ProgrammingError("no such column, as long as a deploy lasts"), OURS),
        (django.db.DataError("value too long"), Permanent()),
        (psycopg.errors.SerializationFailure(), OURS),
        (psycopg.errors.ConnectionTimeout(), OURS),
        (psycopg.errors.UniqueViolation(), OURS),
        (psycopg.errors.StringDataRightTruncation(), Permanent()),
    ],
    ids=repr,
)
def test_an_error_of_a_library_has_one_verdict(error, verdict):
    assert classify(error) == verdict


@pytest.mark.parametrize("raised", [by_urllib, by_aiohttp])
@pytest.mark.parametrize(
    ("sent", "seconds"),
    [
        ([("Retry-After", "3"), ("Retry-After", "7")], 7),
        ([("retry-after", "3")], 3),
        ([("Retry-After-Ms", "1500"), ("Retry-After", "9")], 1.5),
        ([("Retry-After-Ms", "soon"), ("Retry-After", "9")], 9),
        ([("Date", "Sat, 01 May 2027 12:00:00 GMT"), ("Retry-After", "Saturday, 01-May-27 12:00:30 GMT")], 30),
    ],
)
def test_each_library_tells_every_value_of_a_header(raised, sent, seconds):
    verdict = classify(raised(429, *sent))
    assert isinstance(verdict, RateLimited)
    assert verdict.wait.total_seconds() == seconds


def test_httpx_joins_several_values_and_the_longest_counts():
    response = httpx.Response(429, headers=[("Retry-After", "3"), ("Retry-After", "7")])
    error = httpx.HTTPStatusError("no", request=httpx.Request("GET", "https://vendor.test/"), response=response)
    assert classify(error).wait.total_seconds() == 7


@pytest.mark.parametrize("error", [by_urllib(429), by_aiohttp(429)])
def test_an_answer_without_headers_is_read_too(error):
    error.headers = error.hdrs = None
    assert classify(error) == RateLimited(None)


@pytest.mark.parametrize(
    ("error", "nothing_done"),
    [
        (urllib.error.URLError(ConnectionRefusedError()), True),
        (urllib.error.URLError(BrokenPipeError()), False),
        (urllib.error.URLError("unknown url type"), False),
        (requests_error(urllib3.exceptions.NewConnectionError(None, "refused")), True),
        (requests_error(urllib3.exceptions.SSLError(CERTIFICATE)), True),
        (requests_error(urllib3.exceptions.SSLError(ssl.SSLEOFError())), False),
        (requests_error(urllib3.exceptions.ReadTimeoutError(None, "/", "slow")), False),
        (requests.exceptions.MissingSchema("no scheme"), True),
        (requests.ConnectTimeout("slow"), True),
        (requests.ReadTimeout("slow"), False),
        (CERTIFICATE, True),
        (ssl.SSLEOFError(), False),
        (by_requests(422), True),
        (by_aiohttp(422), True),
        (aiohttp.ServerDisconnectedError(), False),
        (django.db.DataError("of a row written after the call"), False),
        (RuntimeError(ConnectionRefusedError("of who knows which call")), False),
    ],
    ids=repr,
)
def test_a_librarys_error_proves_that_nothing_was_done_or_it_does_not(error, nothing_done):
    assert proves_nothing_done(error) is nothing_done


@pytest.mark.parametrize("error", [by_requests(404, history=[requests.Response()]), by_aiohttp(404, history=(1,)),
                                   by_urllib(404)])  # fmt: skip
def test_a_refusal_behind_a_redirect_proves_nothing_about_the_first_request(error):
    assert classify(error) == Permanent()
    assert not proves_nothing_done(error)


def test_httpx_tells_of_the_redirect_that_followed_on_the_effect():
    def vendor(request):
        return httpx.Response(303, headers={"Location": "/made"}) if request.method == "POST" else httpx.Response(404)

    with httpx.Client(transport=httpx.MockTransport(vendor), follow_redirects=True) as client:
        answer = client.post("https://vendor.test/")
    with pytest.raises(httpx.HTTPStatusError) as error:
        answer.raise_for_status()
    assert not proves_nothing_done(error.value)
