"""Tasks for tests that call vendors on the bench (tests/vendors): one call each, which says whose it is."""

import os
from datetime import timedelta
from functools import lru_cache
from typing import Any

import httpx

from jobs import RetryPolicy, take_slot
from tests.app.tasks import Task

SOON = RetryPolicy(max_attempts=9, base=timedelta(milliseconds=100), cap=timedelta(milliseconds=400))


def call(vendor: str, url: str, **about: Any) -> dict[str, Any]:
    answer = _client(os.getpid(), vendor).get(url, params=about)
    return dict(answer.raise_for_status().json())


@lru_cache
def _client(_pid: int, vendor: str) -> httpx.Client:
    """One for each process: a fork must not share its parent's connections. Every request waits for its slot."""
    return httpx.Client(trust_env=False, timeout=60, event_hooks={"request": [lambda _: take_slot(vendor)]})


class Call(Task):
    """One call. `queue` and `vendor` have the same name."""

    abstract = True
    dedupe_key = ("number",)
    account = "account"
    retry_policy = SOON

    def run(self, url: str, number: int, account: str = "") -> dict[str, Any]:
        assert self.vendor
        return call(self.vendor, url, number=number, account=account, attempt=self.job.attempt)


class CallOpen(Call):
    """A vendor of which nothing is declared."""

    queue = vendor = "open"


class CallOther(Call):
    """A second vendor, beside the first."""

    queue = vendor = "other"


class CallFragile(Call):
    """A vendor whose circuit opens soon, and tries again soon."""

    queue = vendor = "fragile"


class CallLimited(Call):
    """A vendor that allows 200 calls a second."""

    queue = vendor = "limited"


class LookAndCall(CallLimited):
    """The same, with two calls in each attempt: one to look, one to act."""

    def already_done(self, url: str, number: int, account: str = "") -> dict[str, Any] | None:
        call("limited", f"{url}/look", number=number, account=account, attempt=self.job.attempt)
        return None


class CallSerial(Call):
    """A vendor that takes one job of an account at a time."""

    queue = vendor = "serial"


class CallByAccount(Call):
    """A vendor that allows each account ten calls a second."""

    queue = vendor = "by-account"


class CallInBudget(Call):
    """A vendor at which retries are at most a fifth of first attempts; its circuit stays out of the way."""

    queue = vendor = "budget"
    retry_policy = RetryPolicy(max_attempts=99, base=timedelta(milliseconds=50), cap=timedelta(milliseconds=100))


class BreakBeforeCall(Task):
    """A bug of ours: the vendor is not even asked."""

    queue = vendor = "fragile"
    dedupe_key = ("number",)
    retry_policy = RetryPolicy(max_attempts=2, base=timedelta(milliseconds=50), cap=timedelta(milliseconds=50))

    def run(self, number: int) -> None:
        raise KeyError(number)


class Write(Task):
    """Writes its name into a file: the order of lines is the order in which bodies began."""

    dedupe_key = ("name",)
    account = "account"

    def run(self, name: str, path: str, account: str = "") -> None:  # noqa: ARG002 - whose it is
        _append(path, f"{name}\n")


def _append(path: str, text: str) -> None:
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    try:
        os.write(file, text.encode())
    finally:
        os.close(file)
