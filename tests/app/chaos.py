"""The jobs of chaos runs. Where one has an effect outside the database, the vendor's ledger witnesses it.

Each is named by its caller; `seconds` is how long its body takes.
"""

import os
import time
from functools import lru_cache

import httpx
from django.conf import settings

from jobs import IdempotentTask, PermanentError, RetryPolicy, TransientError
from tests.app.models import Effect
from tests.chaos.pace import RETRIES

INVOICES, MAILS = ("/v1/invoices", "invoice"), ("/v1/credit-notes", "credit_note")
# Seconds. A frozen job with the profile's hard limit never wakes up: the kernel kills it. These do, as zombies.
BEYOND_THE_LEASE = 20, 25
ANSWER_SECONDS = 0.7  # an answer that takes longer is lost; twice this is below the soft limit


class ChaosTask(IdempotentTask):
    abstract = True
    owner = "tests"
    dedupe_key = ("name",)
    retry_policy = RetryPolicy(**RETRIES)

    def shown(self, key: str) -> str:
        """The key that the vendor is shown; another one each time where the run is to make this mistake."""
        return f"{key}/{self.job.attempt}" if getattr(settings, "CHAOS_BREAK", "") == "key" else key


class Short(ChaosTask):
    """No effect but its result."""

    def run(self, name: str, seconds: float) -> str:
        work(seconds)
        return name


class Flaky(ChaosTask):
    """Fails at its first attempt."""

    def run(self, name: str, seconds: float) -> str:
        work(seconds)
        if self.job.attempt == 1:
            raise TransientError(f"the first attempt of {name} fails")
        return name


class Doomed(ChaosTask):
    """Cannot succeed."""

    def run(self, name: str, seconds: float) -> None:
        work(seconds)
        raise PermanentError(f"{name} can never succeed")


class Booked(ChaosTask):
    """Its effect is a row, in the transaction that settles it."""

    soft_time_limit, time_limit = BEYOND_THE_LEASE

    def run(self, name: str, seconds: float) -> str:
        work(seconds)
        return name

    def commit(self, result: str, name: str, seconds: float) -> None:  # noqa: ARG002 - as it is called
        Effect.objects.create(name=f"booked {result}", attempt=self.job.attempt, pid=os.getpid())


class Ticked(ChaosTask):
    """The job of one tick, named by it. Its effect is a row."""

    def run(self, name: str) -> str:
        return name

    def commit(self, result: str, name: str) -> None:  # noqa: ARG002 - as it is called
        Effect.objects.create(name=f"ticked {result}", attempt=self.job.attempt, pid=os.getpid())


class Charge(ChaosTask):
    """Its effect is at a vendor who takes idempotency keys and can be asked."""

    external_effect = True

    def already_done(self, name: str, seconds: float) -> dict | None:  # noqa: ARG002 - as it is called
        found = vendor().get(INVOICES[0], params={"external_id": name, "revision": 1})
        found.raise_for_status()
        return next(iter(found.json()["data"]), None)

    def run(self, name: str, seconds: float) -> dict:
        made = post(INVOICES, name, self.shown(self.job.idempotency_key))
        work(seconds)
        return made


class Mail(ChaosTask):
    """Its effect cannot be asked for nor taken back, and knows no key."""

    external_effect = True

    def run(self, name: str, seconds: float) -> dict:
        work(seconds / 2)
        sent = post(MAILS, name)
        work(seconds / 2)
        return sent


class TwoSteps(ChaosTask):
    """Two effects, each kept as a step."""

    soft_time_limit, time_limit = BEYOND_THE_LEASE

    def run(self, name: str, seconds: float) -> list[str]:
        return [self.job.step(step, self._take, step, name, seconds / 2) for step in ("first", "second")]

    def _take(self, step: str, name: str, seconds: float) -> str:
        made = post(INVOICES, f"{name}:{step}", self.shown(self.job.step_key(step)))
        work(seconds)
        return made["id"]


def work(seconds: float) -> None:
    time.sleep(seconds)  # a body takes its time: what is in flight when a fault comes


def post(collection: tuple[str, str], name: str, key: str = "") -> dict:
    path, kind = collection
    body = {"external_id": name, "revision": 1, "kind": kind, "number": name, "currency": "GBP", "total": "15.30",
            "issued_at": "2010-12-01T08:26:00+00:00", "lines": [{"quantity": 6, "unit_price": "2.5500"}]}  # fmt: skip
    answer = vendor().post(path, json=body, headers={"Idempotency-Key": key} if key else {})
    answer.raise_for_status()
    return answer.json()


def vendor() -> httpx.Client:
    return client_of(os.getpid())


@lru_cache(maxsize=1)
def client_of(_pid: int) -> httpx.Client:
    """One per process: a fork must not write on its parent's sockets."""
    return httpx.Client(base_url=settings.LEDGERLY_URL, timeout=ANSWER_SECONDS, trust_env=False)
