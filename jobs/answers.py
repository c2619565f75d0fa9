"""What the other side answered: the verdict of an HTTP status or of a mail server's reply."""

import smtplib
import urllib.error
from datetime import datetime, timedelta
from typing import Any

from jobs import retry_after
from jobs.kinds import is_a
from jobs.verdicts import Permanent, RateLimited, Refused, Transient, Verdict

WORTH_RETRYING = frozenset({408, 425})  # the 4xx that speak of the moment and not of the request
LOGIN_WANTED = frozenset({530, 534, 535, 538})  # a mail server's replies about our credentials: RFC 4954, section 6


def by_answer(error: BaseException) -> Verdict | None:
    """The verdict of the answer that an error carries; None where it carries none that can be read."""
    try:
        if isinstance(error, smtplib.SMTPException):
            return _by_reply(error)
        answer = _http_answer(error)
        return None if answer is None else _by_status(*answer)
    except Exception:  # noqa: BLE001 - an error that cannot be read is an unknown one
        return None


def refuses(error: BaseException) -> bool:
    """Whether the answer says that the request was not carried out.

    Not behind a redirect: the answer is that of the last request, and the first one may have had its effect. urllib
    follows redirects and does not tell.
    """
    if isinstance(error, urllib.error.HTTPError) or _was_redirected(error):
        return False
    return isinstance(by_answer(error), RateLimited | Refused | Permanent)


def _was_redirected(error: BaseException) -> bool:
    try:
        carrier = error if is_a(error, ("aiohttp", "ClientResponseError")) else getattr(error, "response", None)
        return bool(getattr(carrier, "history", ()))
    except Exception:  # noqa: BLE001 - as above
        return False


def _http_answer(error: Any) -> tuple[int, Any] | None:
    """Status and headers."""
    if isinstance(error, urllib.error.HTTPError):
        return error.code, error.headers
    if is_a(error, ("aiohttp", "ClientResponseError")):
        return error.status, error.headers
    response = getattr(error, "response", None)  # httpx.HTTPStatusError and requests.HTTPError carry one
    status = getattr(response, "status_code", None)
    return (status, response.headers) if isinstance(status, int) else None  # type: ignore[union-attr]


def _by_status(status: int, headers: Any) -> Verdict:
    if status == 429 or (status == 503 and _header(headers, "Retry-After")):
        return RateLimited(_asked_wait(headers))
    if status in (401, 403):
        return Refused()
    if 400 <= status < 500 and status not in WORTH_RETRYING:
        return Permanent()
    return Transient(by_vendor=status >= 400)


def _asked_wait(headers: Any) -> timedelta | None:
    """In milliseconds where the vendor is so exact; no standard has that header, yet several large vendors do."""
    exact = retry_after.parse_milliseconds(_header(headers, "retry-after-ms"))
    return exact or retry_after.parse(_header(headers, "Retry-After"), now=_vendor_clock(headers))


def _vendor_clock(headers: Any) -> datetime | None:
    return retry_after.http_date(_header(headers, "Date") or "")


def _header(headers: Any, name: str) -> str | None:
    """All values under this name, with commas between them as RFC 9110 has it; None where there is none."""
    if headers is None:
        return None
    every = getattr(headers, "get_all", None) or getattr(headers, "getall", None)  # urllib's and aiohttp's `get`
    values = every(name, ()) if every else [headers.get(name)]  # return the first alone
    return ", ".join(value for value in values if value) or None


def _by_reply(error: smtplib.SMTPException) -> Verdict | None:
    match error:
        case smtplib.SMTPConnectError() | smtplib.SMTPHeloError() | smtplib.SMTPServerDisconnected():
            return Transient(by_vendor=True)  # it has not even seen the message
        case smtplib.SMTPRecipientsRefused():
            return _by_codes([code for code, _ in error.recipients.values()])
        case smtplib.SMTPResponseException():
            return _by_code(error.smtp_code)
    return None


def _by_code(code: int) -> Verdict:
    if code in LOGIN_WANTED:
        return Refused()
    return Permanent() if code >= 500 else Transient(by_vendor=True)


def _by_codes(codes: list[int]) -> Verdict:
    """One reply per recipient, all refusals: while one of them is for the moment, the mail is worth another attempt."""
    if LOGIN_WANTED.intersection(codes):
        return Refused()
    if codes and all(code >= 500 for code in codes):
        return Permanent()
    return Transient(by_vendor=421 in codes)  # "closing"; any other speaks of a mailbox, not of the server
