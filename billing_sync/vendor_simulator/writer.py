"""The one writer of the ledger: requests that arrive together share a commit, and each is answered after it."""

import asyncio
import queue
import sqlite3
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from billing_sync.vendor_simulator.ledger import Document, as_answer, connect, transaction

# Effects per commit: as many as can wait while the disk is busy with the last one, and no endless batch.
BATCH = 500


@dataclass(frozen=True, slots=True)
class Written:
    """`replayed`: an earlier request with this key made the effect. `conflict`: it had another body."""

    answer: dict[str, Any]
    replayed: bool = False
    conflict: bool = False


@dataclass(frozen=True, slots=True)
class Wish:
    document: Document
    key: str | None
    body_digest: str
    future: "asyncio.Future[Written]"


class Writer:
    """Started with the server, in a thread, because SQLite waits for the disk."""

    def __init__(self, path: Path) -> None:
        self._ledger = connect(path)
        self._wishes: queue.SimpleQueue[Wish | None] = queue.SimpleQueue()
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._work, name="ledger", daemon=True)
        self._thread.start()

    async def write(self, document: Document, key: str | None, body_digest: str) -> Written:
        """Append the effect unless the key has had its effect; when this returns, it is on the disk."""
        future: asyncio.Future[Written] = self._loop.create_future()
        self._wishes.put(Wish(document, key, body_digest, future))
        return await future

    def close(self) -> None:
        self._wishes.put(None)
        self._thread.join()
        self._ledger.close()

    def _work(self) -> None:
        while batch := self._next_batch():
            try:
                with transaction(self._ledger):
                    outcomes: list[Any] = [self._append(wish) for wish in batch]
            except sqlite3.Error as error:
                outcomes = [error] * len(batch)
            self._loop.call_soon_threadsafe(_answer, batch, outcomes)

    def _next_batch(self) -> list[Wish]:
        """Waits for one, then takes all that are there. Empty when the server closes."""
        batch = []
        wish = self._wishes.get()
        while wish:
            batch.append(wish)
            if len(batch) == BATCH or self._wishes.empty():
                break
            wish = self._wishes.get()
        if wish is None and batch:
            self._wishes.put(None)
        return batch

    def _append(self, wish: Wish) -> Written:
        if wish.key and (held := self._one("SELECT * FROM effect WHERE key = ?", (wish.key,))):
            # The document is part of the digest's body, so this also refuses a key that served another document.
            return Written(as_answer(held), replayed=True, conflict=held["body_digest"] != wish.body_digest)
        made = self._one(
            "INSERT INTO effect (kind, external_id, revision, key, body_digest) VALUES (?, ?, ?, ?, ?) RETURNING *",
            (*wish.document, wish.key, wish.body_digest),
        )
        return Written(as_answer(made))

    def _one(self, statement: str, parameters: tuple[Any, ...]) -> Any:
        return self._ledger.execute(statement, parameters).fetchone()


def _answer(batch: list[Wish], outcomes: list[Any]) -> None:
    for wish, outcome in zip(batch, outcomes, strict=True):
        if wish.future.done():  # its client has gone
            continue
        if isinstance(outcome, Exception):
            wish.future.set_exception(outcome)
        else:
            wish.future.set_result(outcome)
