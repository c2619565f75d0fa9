"""A caller: enqueues under load, together with rows of its own, and writes down what it was told.

Run as a program, so that it can be killed. Its history is a file of JSON lines, one before each call and one after it;
a call without a second line was never answered. A commit whose answer was lost is neither done nor undone: "info".
"""

import argparse
import json
import random
import threading
import time
from collections import deque
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TextIO

import django
from django.db import Error, connection, transaction

django.setup()  # models can only be imported after it

from jobs.enqueueing import Enqueued  # noqa: E402
from tests.app import chaos  # noqa: E402
from tests.app.models import Effect  # noqa: E402

MIX = {chaos.Short: 28, chaos.Charge: 22, chaos.Mail: 12, chaos.TwoSteps: 12, chaos.Booked: 16, chaos.Flaky: 6,
       chaos.Doomed: 4}  # fmt: skip
AGAIN, TOGETHER, LATER, UNDO, DWELL = 0.12, 0.05, 0.1, 0.06, 0.25  # shares of the calls
LONGEST_BODY, LONGEST_DELAY, LONGEST_DWELL = 0.45, 1.5, 0.1  # seconds
REST_AFTER_ERROR = 0.2  # seconds


class ChangedMyMindError(Exception):
    """The caller rolls back on purpose."""


@dataclass(frozen=True)
class Wish:
    """One piece of work, under the name that is its key."""

    task: type[chaos.ChaosTask]
    name: str
    seconds: float


class Caller:
    def __init__(self, name: str, seed: str, rate: float, history: TextIO) -> None:
        self.name = name
        self.luck = random.Random(seed)
        self.rate = rate
        self.history = history
        self.calls = 0
        self.earlier: deque[Wish] = deque(maxlen=40)
        self.rest = threading.Event()

    def run(self, stop: Path, hold: Path) -> None:
        while not stop.exists():
            if hold.exists():
                self.rest.wait(0.05)
                continue
            self.call(self.choose())
            self.rest.wait(self.luck.expovariate(self.rate))

    def choose(self) -> Wish:
        draw = self.luck.random()
        if draw < AGAIN and self.earlier:
            return self.luck.choice(self.earlier)
        task = self.luck.choices(list(MIX), list(MIX.values()))[0]
        if draw > 1 - TOGETHER:  # the other caller comes to the same name in the same half second
            return Wish(chaos.Short, f"together {int(time.time() * 2)}", 0.01)
        wish = Wish(task, f"{self.name}-{self.calls}", round(self.luck.random() ** 2 * LONGEST_BODY, 3))
        self.earlier.append(wish)
        return wish

    def call(self, wish: Wish) -> None:
        """Ask for it once, and keep what came of it."""
        self.calls += 1
        undo = self.luck.random() < UNDO
        self.note(op="invoke", task=wish.task.name, name=wish.name, undo=undo)
        committing = False
        try:
            with transaction.atomic():
                job = self.enqueue(wish)
                if undo:
                    raise ChangedMyMindError  # noqa: TRY301 - it is how a caller rolls back
                committing = True
        except ChangedMyMindError:
            self.note(op="fail", why="rolled back on purpose")
        except Error as error:
            # Before COMMIT was sent the server can only roll back; after it, nobody knows.
            self.note(op="info" if committing else "fail", why=f"{type(error).__name__}: {error}"[:200])
            connection.close()
            self.rest.wait(REST_AFTER_ERROR)
        else:
            self.note(op="ok", id=str(job.id), created=job.created)

    def enqueue(self, wish: Wish) -> Enqueued:
        delay = self.luck.random() * LONGEST_DELAY if self.luck.random() < LATER else 0
        asked = wish.task.using(delay=timedelta(seconds=delay)).enqueue(name=wish.name, seconds=wish.seconds)
        if asked.created:
            Effect.objects.create(name=f"order {wish.task.name} {wish.name}")
        if self.luck.random() < DWELL:
            self.rest.wait(self.luck.random() * LONGEST_DWELL)
        return asked

    def note(self, **what: object) -> None:
        self.history.write(json.dumps({"n": self.calls, "at": time.time(), **what}) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--name", required=True)
    parser.add_argument("--seed", required=True)
    parser.add_argument("--rate", type=float, required=True)
    for file in ("--history", "--stop", "--hold"):
        parser.add_argument(file, type=Path, required=True)
    asked = parser.parse_args()
    with asked.history.open("a", buffering=1) as history:  # a line a write: what was written outlives a SIGKILL
        print("caller: ready", flush=True)
        Caller(asked.name, asked.seed, asked.rate, history).run(asked.stop, asked.hold)


if __name__ == "__main__":
    main()
