"""Tasks for tests whose worker dies at the worst moment: right after the effect."""

import os
import signal
import time
from pathlib import Path

from tests.app.tasks import Task


def append(ledger: str, entry: str) -> None:
    """One line in a file that stands for a vendor's books: no rollback takes it back."""
    with Path(ledger).open("a") as file:
        file.write(f"{entry}\n")


def entries(ledger: str) -> list[str]:
    path = Path(ledger)
    return path.read_text().splitlines() if path.exists() else []


def hold_until(go: str) -> None:
    while not Path(go).exists():
        time.sleep(0.01)  # the body waits for the test


class ChargeWithoutLooking(Task):
    """Charges at a vendor whom nobody can ask, then takes its time."""

    dedupe_key = ("invoice",)
    external_effect = True

    def run(self, invoice: str, ledger: str, go: str) -> str:
        append(ledger, invoice)
        hold_until(go)
        return invoice


class Charge(ChargeWithoutLooking):
    """The same at a vendor who can be asked."""

    def already_done(self, invoice: str, ledger: str, go: str) -> str | None:  # noqa: ARG002 - as it is called
        return invoice if invoice in entries(ledger) else None


class BookSlowly(Task):
    """Has its effect in the settling transaction, and takes its time before that is committed."""

    dedupe_key = ("invoice",)

    def run(self, invoice: str, reached: str, go: str) -> None: ...

    def commit(self, result: None, invoice: str, reached: str, go: str) -> None:  # noqa: ARG002 - as it is called
        self.mark(invoice)
        Path(reached).touch()
        hold_until(go)


class KillWholeWorker(Task):
    """Kills not its own process alone but the parent and all its children."""

    dedupe_key = ("name",)

    def run(self, name: str) -> None:
        self.mark(name)
        os.killpg(os.getpgrp(), signal.SIGKILL)


class OutlastLease(Task):
    """Runs longer than the lease of the test's workers; both ends leave a row."""

    dedupe_key = ("name",)

    def run(self, name: str, seconds: float) -> None:
        self.mark(f"{name} began")
        time.sleep(seconds)  # the lease must have time to run out
        self.mark(f"{name} ended")
