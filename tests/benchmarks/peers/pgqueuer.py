"""pgqueuer: https://pgqueuer.readthedocs.io; asyncpg, asynchronous bodies, its tables `durable`."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
from pgqueuer import PgQueuer
from pgqueuer.adapters.cli import supervisor
from pgqueuer.db import AsyncpgDriver
from pgqueuer.queries import Queries

from tests.benchmarks import body, driver

BATCH = 100  # its best on this work: 10, the default, drains a third as fast
CHUNK = 1000  # records in one statement, as ours


@asynccontextmanager
async def manager() -> AsyncIterator[PgQueuer]:
    queue = PgQueuer(AsyncpgDriver(await asyncpg.connect(os.environ["DATABASE_URL"])))

    @queue.entrypoint("noop")
    async def noop(_job: Any) -> None:
        body.work()

    yield queue


class Caller:
    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._connection = self._loop.run_until_complete(asyncpg.connect(os.environ["DATABASE_URL"]))
        self._queries = Queries(AsyncpgDriver(self._connection))
        if not self._loop.run_until_complete(self._connection.fetchval("SELECT to_regclass('pgqueuer')")):
            self._loop.run_until_complete(self._queries.install())

    def single(self, task: str, argument: Any) -> None:
        self._loop.run_until_complete(self._queries.enqueue(task, str(argument).encode()))

    def bulk(self, task: str, count: int) -> None:
        self._loop.run_until_complete(self._bulk(task, count))

    async def _bulk(self, task: str, count: int) -> None:
        async with self._connection.transaction():
            for start in range(0, count, CHUNK):
                numbers = range(start, min(start + CHUNK, count))
                payloads: list[bytes | None] = [str(number).encode() for number in numbers]
                await self._queries.enqueue([task] * len(payloads), payloads, [0] * len(payloads))

    def left(self) -> int:
        return int(self._loop.run_until_complete(self._connection.fetchval("SELECT count(*) FROM pgqueuer")))


if __name__ == "__main__":
    if "worker" in sys.argv:
        asyncio.run(supervisor.run(manager, batch_size=BATCH))
    else:
        driver.serve(Caller())
