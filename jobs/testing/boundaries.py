"""Boundaries: the moments at which a process talks to the world outside it, and before and after which it may die."""

import itertools
import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from enum import StrEnum
from signal import SIGKILL, Signals
from typing import Any, Literal

Phase = Literal["before", "after"]


class Kind(StrEnum):
    SQL = "sql"  # a statement inside a transaction
    SQL_AND_COMMIT = "sql+commit"  # a statement that is a transaction of its own
    COMMIT = "commit"
    PUBLISH = "publish"
    DEPTH = "depth"  # a look at the broker's queue
    GET = "get"
    ACK = "ack"
    CALL = "call"  # to a vendor
    MAIL = "mail"
    OWN = "own"  # whatever the application has marked


@dataclass(frozen=True, slots=True)
class Boundary:
    """One crossing of a process's border, as a person recognises it."""

    kind: Kind
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


@dataclass(frozen=True, slots=True)
class Fate:
    """What becomes of a process at a boundary, counted from 1: SIGKILL, or SIGSTOP until somebody lets it go on."""

    number: int
    phase: Phase
    signal: Signals = SIGKILL

    def is_at(self, number: int, phase: Phase) -> bool:
        return (number, phase) == (self.number, self.phase)


class Watch:
    """Numbers the boundaries of one process, tells of each before it is crossed, and lets its fate happen.

    Only those of the main thread count: there a run is the same each time.
    """

    def __init__(self, file: int, fate: Fate | None) -> None:
        self._file, self._fate = file, fate
        self._numbers = itertools.count(1)
        self._quiet = False

    def tell(self, **facts: Any) -> None:
        """Write to a file that outlives this process."""
        os.write(self._file, json.dumps(facts).encode() + b"\n")

    @contextmanager
    def crossing(self, kind: Kind, name: str) -> Iterator[None]:
        """Around what crosses the boundary."""
        if self._quiet or threading.current_thread() is not threading.main_thread():
            yield
            return
        number = next(self._numbers)
        self.tell(kind=kind, name=name)
        self._meet(number, "before")
        try:
            yield
        finally:
            self._meet(number, "after")

    def _meet(self, number: int, phase: Phase) -> None:
        if self._fate and self._fate.is_at(number, phase):
            self.tell(met=number)
            os.kill(os.getpid(), self._fate.signal)

    @contextmanager
    def quietly(self) -> Iterator[None]:
        """What the sweep itself asks is no boundary of the process it watches."""
        self._quiet = True
        try:
            yield
        finally:
            self._quiet = False


_watch: Watch | None = None


def watch_this_process(watch: Watch) -> None:
    global _watch
    _watch = watch


@contextmanager
def boundary(name: str) -> Iterator[None]:
    """Mark I/O of your own as a boundary of a `crash_sweep`; outside a sweep it does nothing.

    For I/O that the sweep does not know by itself: everything but SQL, Celery's messages, httpx, requests, urllib and
    mails. `crash_sweep(…, also=["shop.storage.upload"])` does the same without touching the code.
    """
    with _watch.crossing(Kind.OWN, name) if _watch else nullcontext():
        yield
