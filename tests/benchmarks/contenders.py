"""The two that are compared, and treated alike: same body, same broker, same worker options, same release."""

import sys
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

from celery import Celery

from tests.processes import Program, Programs, wait_until

WARM_UP, BACKLOG = "warm-up", "backlog"
CHILDREN = 2


class Contender(ABC):
    """A fresh worker per round. It warms up on a queue of its own; the backlog waits until `release`."""

    name: str
    application: str
    app: Celery
    environment: Mapping[str, str] = {}

    def __init__(self, programs: Programs) -> None:
        self._programs = programs
        self.running: dict[str, Program] = {}

    def start(self) -> None:
        options = ["worker", "--concurrency", str(CHILDREN), "--task-events", "--queues", WARM_UP]
        celery = (sys.executable, "-m", "celery", "--app", self.application, *options)
        self.running["worker"] = self._programs.spawn(f"{self.name}-worker", *celery, env=self.environment)
        wait_until(self._answers, 60, f"the {self.name} worker answers")

    def _answers(self) -> list[Any]:
        for program in self.running.values():
            assert program.alive, f"{program.name} has ended\n{program.log()[-4000:]}"
        return self.app.control.ping(timeout=0.5)

    def release(self) -> None:
        """Let the running worker take the backlog."""
        self.app.control.add_consumer(
            BACKLOG, reply=True, limit=1, timeout=2
        )  # more replies would cost the two seconds

    def stop(self) -> None:
        for program in self.running.values():
            program.stop()
        self.running = {}

    @abstractmethod
    def enqueue(self, number: int, queue: str) -> None:
        """One job, as an application's request would."""

    @abstractmethod
    def enqueue_bulk(self, numbers: range, queue: str) -> None:
        """Many jobs, in the fastest way that is offered."""

    @abstractmethod
    def unfinished(self) -> int:
        """Jobs that have not reached their end, asked when all bodies have run."""


class Stock(Contender):
    name = "stock"
    application = "tests.benchmarks.stock_app"

    def __init__(self, programs: Programs) -> None:
        super().__init__(programs)
        from tests.benchmarks import stock_app

        self.app = stock_app.app
        self._task = stock_app.noop
        # Celery's command line prefers this variable to what the application says.
        self.environment = {"BROKER_URL": self.app.conf.broker_url}

    def enqueue(self, number: int, queue: str) -> None:
        self._task.apply_async((number,), queue=queue)

    def enqueue_bulk(self, numbers: range, queue: str) -> None:
        with self.app.producer_pool.acquire(block=True) as producer:
            for number in numbers:
                self._task.apply_async((number,), queue=queue, producer=producer)

    def unfinished(self) -> int:
        with self.app.connection_for_read() as connection:
            return int(connection.default_channel._size(BACKLOG))


class Ours(Contender):
    """Records in PostgreSQL; a relay runs beside the worker, as in real life."""

    name = "ours"
    application = "config"

    def __init__(self, programs: Programs) -> None:
        super().__init__(programs)
        from config.celery import app
        from tests.benchmarks.tasks import noop

        self.app = app
        self._task = noop

    def start(self) -> None:
        self.running["relay"] = self._programs.relay()
        super().start()

    def enqueue(self, number: int, queue: str) -> None:
        self._task.using(queue=queue).enqueue(number=number)

    def enqueue_bulk(self, numbers: range, queue: str) -> None:
        self._task.using(queue=queue).enqueue_many({"number": number} for number in numbers)

    def unfinished(self) -> int:
        from idempotency.models import Record

        return Record.objects.exclude(state="succeeded").count()
