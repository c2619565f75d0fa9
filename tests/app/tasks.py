"""Tasks for tests. Each leaves a row in `tests_effect` when its body runs: what a test counts is what happened."""

import asyncio
import os
import signal
import sys
import time
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

from celery.exceptions import SoftTimeLimitExceeded
from django.db import connection, transaction

from jobs import IdempotentTask, PermanentError, RetryPolicy, TransientError, idempotent_task
from tests.app.models import Effect

SOON = RetryPolicy(max_attempts=5, base=timedelta(milliseconds=20), cap=timedelta(milliseconds=100))


class Task(IdempotentTask):
    """What these tasks share."""

    abstract = True
    owner = "tests"
    retry_policy = SOON

    def mark(self, name: str) -> None:
        Effect.objects.create(name=name, attempt=self.job.attempt, pid=os.getpid())


class Echo(Task):
    """Returns its value."""

    dedupe_key = ("value",)

    def run(self, value: object) -> dict[str, object]:
        return {"value": value}


class Mark(Task):
    """Leaves one row each time its body runs."""

    dedupe_key = ("name",)

    def run(self, name: str) -> None:
        self.mark(name)


class Confide(Task):
    """Is told what nobody else may read."""

    dedupe_key = ("secret",)
    sensitive = ("secret",)

    def run(self, secret: str) -> None:
        self.mark(f"{len(secret)} characters")


class MarkAlone(Mark):
    """The same, as an effect that cannot be rolled back: settled before the next job starts."""

    external_effect = True


class MarkInCommit(Task):
    """Leaves one row in the transaction that settles it."""

    dedupe_key = ("name",)

    def run(self, name: str) -> int:
        return len(name)

    def commit(self, result: int, name: str) -> None:
        self.mark(f"{name} of length {result}")


class Sleep(Task):
    """Takes a while, with Python's lock released."""

    dedupe_key = ("name",)

    def run(self, name: str, seconds: float) -> None:
        self.mark(name)
        time.sleep(seconds)


class WaitForFile(Task):
    """Runs until the test makes a file: the test decides when the job ends."""

    dedupe_key = ("name",)

    def run(self, name: str, path: str) -> None:
        self.mark(name)
        while not Path(path).exists():
            time.sleep(0.01)


class FailTimes(Task):
    """Fails transiently as often as it is told, then succeeds."""

    dedupe_key = ("name",)

    def run(self, name: str, times: int) -> int:
        self.mark(name)
        if self.job.attempt <= times:
            raise TransientError(f"attempt {self.job.attempt} of {name} fails as it was told")
        return self.job.attempt


class FailForGood(Task):
    """Fails in a way that no retry helps."""

    dedupe_key = ("name",)

    def run(self, name: str) -> None:
        self.mark(name)
        raise PermanentError(f"{name} can never succeed")


class KillWorker(Task):
    """Kills the process that runs it as often as it is told, then succeeds."""

    dedupe_key = ("name",)

    def run(self, name: str, times: int) -> None:
        self.mark(name)
        if Effect.objects.filter(name=name).count() <= times:
            os.kill(os.getpid(), signal.SIGKILL)


class Versioned(Mark):
    """Of a release that the environment names: an older worker parks it."""

    payload_version = int(os.environ.get("TESTS_VERSION", "1"))


@idempotent_task(owner="tests", dedupe_key=None)
def mark_each_time(name: str) -> None:
    """The decorator's form; every call is its own work."""
    Effect.objects.create(name=name, pid=os.getpid())


class WaitThenCommit(WaitForFile):
    """The same, with its effect in the transaction that settles it."""

    def commit(self, result: None, name: str, path: str) -> None:  # noqa: ARG002 - as it is called
        self.mark(f"{name} committed")


class SlowOnce(Task):
    """Exceeds its soft limit in the first attempt."""

    dedupe_key = ("name",)
    soft_time_limit, time_limit = 2, 20  # the second attempt needs a little of it

    def run(self, name: str) -> int:
        self.mark(name)
        if self.job.attempt == 1:
            time.sleep(8)
        return self.job.attempt


class Stubborn(Task):
    """Ignores its soft limit, so that only the hard one ends it."""

    dedupe_key = ("name",)
    soft_time_limit, time_limit = 1, 2
    retry_policy = RetryPolicy(max_attempts=2, base=timedelta(milliseconds=20), cap=timedelta(milliseconds=20))

    def run(self, name: str) -> None:
        while True:
            with suppress(SoftTimeLimitExceeded):
                self.mark(name)
                time.sleep(30)


class Misbehave(Task):
    """Ends in a way that no body should."""

    dedupe_key = ("how",)
    retry_policy = RetryPolicy(max_attempts=2, base=timedelta(milliseconds=20), cap=timedelta(milliseconds=20))

    def run(self, how: str) -> object:  # noqa: C901 - a list of cases
        self.mark(how)
        match how:
            case "exit":
                sys.exit(3)
            case "interrupt":
                raise KeyboardInterrupt
            case "cancelled":
                raise asyncio.CancelledError
            case "nul":
                raise ValueError("a\x00b\ud800")
            case "unprintable":
                raise type("UnprintableError", (Exception,), {"__str__": lambda _: 1 / 0})
            case "open atomic":
                transaction.atomic().__enter__()
            case "autocommit off":
                transaction.set_autocommit(autocommit=False)
            case "begin":
                connection.cursor().execute("BEGIN")
            case "no json":
                return {1, 2}
            case "too large":
                return "x" * 300_000
            case "closed connection":
                connection.close()
        if how in {"open atomic", "autocommit off", "begin"}:
            self.mark(f"{how}: uncommitted")
        return how


class Letter(Task):
    """Has a secret, a text and a number that a person may correct."""

    dedupe_key = ("name",)
    sensitive = ("password",)

    def run(self, name: str, text: str = "", copies: int = 1, password: str = "") -> dict[str, object]:
        self.mark(name)
        return {"text": text, "copies": copies, "secret": len(password)}
