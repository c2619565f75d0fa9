"""Tasks for tests that keep something between their attempts."""

import os
import signal
from uuid import uuid4

from django.db import transaction

from tests.app.models import Effect
from tests.app.tasks import Task


class KilledBetweenSteps(Task):
    """Its worker dies after the first step, once."""

    dedupe_key = ("number",)

    def run(self, number: int) -> dict[str, str]:
        first = self.job.step("first", self._make, f"first {number}")
        if self.job.attempt == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        return {"first": first, "second": self.job.step("second", self._make, f"second {number}")}

    def _make(self, name: str) -> str:
        Effect.objects.create(name=name, pid=os.getpid())
        return f"made by attempt {self.job.attempt}"


class ChargeThenShip(Task):
    """Two steps, each with an answer that is never the same."""

    dedupe_key = ("number",)

    def run(self, number: int) -> dict[str, str]:
        charge = self.job.step("charge", deed, number)
        return {"charge": charge, "ship": self.job.step("ship", deed, charge)}


def deed(_what: object) -> str:
    """Somewhere outside; answers with a receipt."""
    return f"receipt {uuid4()}"


class StepWithNewArguments(Task):
    """Takes the same step with other arguments, as a body does that computes them from the clock."""

    dedupe_key = ("number",)

    def run(self, number: int) -> None:
        for argument in (number, number + 1):
            self.job.step("charge", str, argument)


class StepsInsideTransaction(Task):
    """Keeps a step's result although its writes may be rolled back."""

    dedupe_key = ("number",)

    def run(self, number: int) -> None:
        with transaction.atomic():
            self.job.step("charge", str, number)


class WalksWithCheckpoints(Task):
    """Leaves a row per stone, and dies once on one of them."""

    dedupe_key = ("last", "die_at")

    def run(self, last: int, die_at: int) -> dict[str, list[int]]:
        walked = []
        for stone in range((self.job.cursor or 0) + 1, last + 1):
            Effect.objects.create(name=f"stone {stone}", pid=os.getpid())
            if stone == die_at and self.job.attempt == 1:
                os.kill(os.getpid(), signal.SIGKILL)
            walked.append(stone)
            self.job.checkpoint(stone)
            self.job.progress(stone, last)
        return {"walked": walked}
