"""dramatiq on Redis: https://dramatiq.io/guide.html; two processes of eight threads, its default middleware."""

import os
from typing import Any

import dramatiq
from dramatiq.brokers.redis import RedisBroker

from tests.benchmarks import body, driver

broker = RedisBroker(url=os.environ["BROKER_URL"])
dramatiq.set_broker(broker)


@dramatiq.actor
def noop(number: int) -> None:
    body.work()


class Caller:
    def single(self, task: str, argument: Any) -> None:
        noop.send(argument)

    def bulk(self, task: str, count: int) -> None:
        for number in range(count):
            noop.send(number)

    def left(self) -> int:
        return int(broker.do_qsize("default"))


if __name__ == "__main__":
    driver.serve(Caller())
