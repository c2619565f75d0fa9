"""Errors of the same cause are one incident: what differs from job to job goes, what the vendor answered stays."""

import smtplib
import urllib.error
from email.message import Message
from http import HTTPStatus

import httpx
import pytest
import requests
from django.core.management import call_command
from urllib3.exceptions import ResponseError

from tests.records import by_hand, claim, enqueue_plenty

GIVEN_UP = """
UPDATE idempotency_record SET state = 'dead_lettered', reason = 'poison', line = NULL, lease_expires_at = NULL,
    finished_at = now(), error = %s WHERE id = %s
"""


def of_httpx(status, number):
    request = httpx.Request("GET", f"https://vendor.example/invoices/INV-{number}")
    return raised(httpx.Response(status, request=request).raise_for_status)


def of_requests(status, number):
    answer = requests.Response()
    answer.status_code, answer.reason = status, HTTPStatus(status).phrase
    answer.url = f"https://vendor.example/invoices/INV-{number}"
    return raised(answer.raise_for_status)


def of_urllib(status, number):
    return urllib.error.HTTPError(f"https://v.example/{number}", status, HTTPStatus(status).phrase, Message(), None)


def of_smtplib(status, number):
    return smtplib.SMTPResponseException(status, f"5.1.1 mailbox m{number}@example.com unavailable".encode())


def of_smtplibs_recipients(status, number):
    return smtplib.SMTPRecipientsRefused({f"m{number}@example.com": (status, b"5.1.1 no such user")})


def raised(call):
    with pytest.raises(Exception) as info:  # noqa: PT011 - each library has its own
        call()
    return info.value


def cause(connection, error):
    text = error if isinstance(error, str) else f"{type(error).__name__}: {error}"
    return connection.execute("SELECT idempotency_cause(%s)", (text,)).fetchone()[0]


LIBRARIES = [of_httpx, of_requests, of_urllib, of_smtplib, of_smtplibs_recipients]


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_library_s_error_is_one_cause_for_all_jobs_and_another_for_another_status(own, library):
    low, high = (550, 552) if library.__name__.startswith("of_smtp") else (404, 503)
    first = cause(own, library(low, 412))
    assert first == cause(own, library(low, 413)) != cause(own, library(high, 412))
    assert str(low) in first
    assert "412" not in first


@pytest.mark.parametrize("status", [s for s in HTTPStatus if s >= 400 and s != HTTPStatus.IM_A_TEAPOT])
def test_every_status_is_known_by_its_phrase(own, status):
    assert cause(own, f"{status.value} {status.phrase}").startswith(str(status.value))


@pytest.mark.parametrize("text", [
    "HTTP 503", "HTTP/1.1 503", "answered with status 503", "status code 503", "status_code=503", "Status: 503",
    "code 503", "code: 503", "the vendor says HTTP 503.", "HTTP error 503", "{'status': 503, 'detail': 'down'}",
    str(ResponseError("too many 503 error responses")), "503, message='Service Unavailable', url=URL('https://v/1')",
])  # fmt: skip
def test_a_number_that_stands_as_a_status_is_kept(own, text):
    assert "503" in cause(own, text)


@pytest.mark.parametrize("text", [
    "job {} fails", "invoice {} is not there", "{} invoices are left", "account {}: no such address", "row {}",
    "timed out after {} ms", "{}", "Gone after {}", "INV-{}", "took {}.", "(account {}, region 7)",
])  # fmt: skip
def test_any_other_number_is_no_cause(own, text):
    assert cause(own, text.format(412)) == cause(own, text.format(413)) == cause(own, text.format(9))


@pytest.mark.django_db(transaction=True)
def test_what_waits_for_a_person_is_grouped_anew_and_the_migrations_go_both_ways(committing):
    call_command("migrate", "idempotency", "0009", verbosity=0)
    try:
        enqueue_plenty(committing, 2)
        for number, claimed in enumerate(claim(committing, 2)):
            by_hand(committing, GIVEN_UP, f"ValueError: job {412 + number}", claimed.id)
        assert incidents(committing) == 2
    finally:
        call_command("migrate", "idempotency", verbosity=0)
    assert incidents(committing) == 1


def incidents(connection):
    return connection.execute("SELECT count(DISTINCT incident) FROM idempotency_record").fetchone()[0]


def test_a_dump_that_is_restored_without_a_search_path_groups_as_before(own):
    (id_,) = enqueue_plenty(own, 1)
    own.execute("SET LOCAL search_path = pg_catalog")
    by_hand(own, GIVEN_UP.replace("idempotency_record", "public.idempotency_record"), "ValueError: 7", id_)
    row = own.execute(
        "SELECT incident = md5(task || E'\\nValueError: #')::uuid FROM public.idempotency_record"
    ).fetchone()
    assert row == (True,)
