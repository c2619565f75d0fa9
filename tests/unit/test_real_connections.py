"""What clients raise when nobody listens, and when somebody takes the request and hangs up: on real sockets."""

import asyncio
import smtplib
import socket
import threading
import urllib.request

import aiohttp
import httpx
import pytest
import requests

from jobs.taxonomy import Transient, classify, proves_nothing_done


def by_httpx(port):
    httpx.post(f"http://127.0.0.1:{port}/", timeout=60, trust_env=False)


def by_requests(port):
    with requests.Session() as session:
        session.trust_env = False
        session.post(f"http://127.0.0.1:{port}/", timeout=60)


def by_urllib(port):
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    opener.open(f"http://127.0.0.1:{port}/", data=b"{}", timeout=60)


def by_aiohttp(port):
    async def call():
        async with aiohttp.ClientSession() as session, session.post(f"http://127.0.0.1:{port}/"):
            pass

    asyncio.run(call())


def by_smtplib(port):
    with smtplib.SMTP("127.0.0.1", port, timeout=60):
        pass


CLIENTS = [by_httpx, by_requests, by_urllib, by_aiohttp, by_smtplib]


@pytest.fixture
def nobody():
    """A port at which nobody listens, kept from others."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


@pytest.fixture
def hanging_up():
    """A port at which somebody reads a request and says nothing, ever again."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve():
            connection, _ = server.accept()
            with connection:
                connection.settimeout(1)  # a mail client waits for the server to begin
                try:
                    connection.recv(65_536)
                except TimeoutError:
                    return

        thread = threading.Thread(target=serve)
        thread.start()
        yield server.getsockname()[1]
        thread.join()


def raised(call, port):
    with pytest.raises(Exception) as error:  # noqa: PT011 - what it is is the question
        call(port)
    return error.value


@pytest.mark.parametrize("call", CLIENTS)
def test_a_call_that_nobody_took_is_the_vendors_trouble_and_proves_that_nothing_was_done(call, nobody):
    error = raised(call, nobody)
    assert classify(error) == Transient(by_vendor=True)
    assert proves_nothing_done(error)


@pytest.mark.parametrize("call", CLIENTS)
def test_a_call_that_somebody_took_without_an_answer_is_the_vendors_trouble_and_proves_nothing(call, hanging_up):
    error = raised(call, hanging_up)
    assert classify(error) == Transient(by_vendor=True)
    assert not proves_nothing_done(error)
