"""procrastinate: https://procrastinate.readthedocs.io; two workers of ten asynchronous jobs at a time."""

import os
import sys
from typing import Any

from procrastinate import App, PsycopgConnector, SyncPsycopgConnector

from tests.benchmarks import body, driver

WORKER = "worker" in sys.argv
connector = PsycopgConnector if WORKER else SyncPsycopgConnector
app = App(connector=connector(conninfo=os.environ["DATABASE_URL"]))


@app.task(name="noop")
async def noop(number: float) -> None:
    body.work()


class Caller:
    def __init__(self) -> None:
        app.open()
        if not app.check_connection():
            app.schema_manager.apply_schema()

    def single(self, task: str, argument: Any) -> None:
        noop.defer(number=argument)

    def bulk(self, task: str, count: int) -> None:
        noop.batch_defer(*({"number": number} for number in range(count)))

    def left(self) -> int:
        todo = app.job_manager.list_jobs(status="todo"), app.job_manager.list_jobs(status="doing")
        return sum(len(list(jobs)) for jobs in todo)


if __name__ == "__main__":
    if WORKER:
        app.run_worker(concurrency=10)
    else:
        driver.serve(Caller())
