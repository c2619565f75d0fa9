"""django-q2: https://django-q2.readthedocs.io."""

from typing import Any

import django

django.setup()

from django.core.management import call_command
from django_q.brokers import get_broker
from django_q.tasks import async_task

from tests.benchmarks import driver

BODY = "tests.benchmarks.peers.q2_body.noop"


class Caller:
    def __init__(self) -> None:
        call_command("migrate", verbosity=0)
        self._broker = get_broker()

    def single(self, task: str, argument: Any) -> None:
        async_task(BODY, argument, broker=self._broker)

    def bulk(self, task: str, count: int) -> None:
        for number in range(count):
            async_task(BODY, number, broker=self._broker)

    def left(self) -> int:
        return int(self._broker.queue_size())


if __name__ == "__main__":
    driver.serve(Caller())
