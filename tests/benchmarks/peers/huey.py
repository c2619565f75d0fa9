"""huey on Redis: https://huey.readthedocs.io/en/latest/consumer.html; two processes, no results kept."""

import os
from typing import Any

from huey import RedisHuey

from tests.benchmarks import body, driver

app = RedisHuey("benchmark", url=os.environ["BROKER_URL"], results=False)


@app.task()
def noop(number: int) -> None:
    body.work()


class Caller:
    def single(self, task: str, argument: Any) -> None:
        noop(argument)

    def bulk(self, task: str, count: int) -> None:
        for number in range(count):
            noop(number)

    def left(self) -> int:
        return int(app.pending_count())


if __name__ == "__main__":
    from tests.benchmarks.peers import huey  # the task belongs to the module's real name

    driver.serve(huey.Caller())
