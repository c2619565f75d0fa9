"""Tasks for tests whose effect is outside the database: a line in a file, which no rollback takes away."""

import os
import signal
import time
from pathlib import Path
from typing import Any

from jobs import UnknownOutcomeError
from tests.app.tasks import Task


def act(path: str) -> None:
    """The effect, as somebody else's system would have it."""
    with Path(path).open("a") as ledger:
        ledger.write("done\n")


class ActOutside(Task):
    """Acts and then ends as it is told, in its first attempt; there is nobody to ask."""

    dedupe_key = ("path",)
    external_effect = True
    soft_time_limit, time_limit = 2, 10

    def run(self, path: str, how: str) -> str:
        if self.job.attempt == 1:
            self.end_badly(path, how)
        act(path)
        return "acted"

    def end_badly(self, path: str, how: str) -> None:
        if how == "refused":
            raise ConnectionRefusedError("nobody listens")
        act(path)
        match how:
            case "killed":
                os.kill(os.getpid(), signal.SIGKILL)
            case "timed out":
                raise TimeoutError("no answer")
            case "too slow":
                time.sleep(30)  # longer than its limit


class ActOutsideAndAsk(ActOutside):
    """The same, where the other side can be asked."""

    def already_done(self, path: str, how: str) -> str | None:
        if how == "undecided" and self.job.attempt > 1:
            raise UnknownOutcomeError("two entries look alike")
        return "found" if Path(path).exists() and how != "undecided" else None

    def end_badly(self, path: str, how: str) -> None:
        super().end_badly(path, "killed" if how == "undecided" else how)


class ActInTheMiddle(Task):
    """Marks the one call that cannot be repeated, so that what fails before it is simply tried again."""

    dedupe_key = ("path",)

    def run(self, path: str, how: str) -> dict[str, Any]:
        if how == "killed before" and self.job.attempt == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        with self.job.effect():
            act(path)
        if how == "killed after" and self.job.attempt == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        return {"attempt": self.job.attempt}
