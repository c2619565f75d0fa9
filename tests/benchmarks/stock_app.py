"""The other contender: Celery as its manual's first page sets it up."""

import os

from celery import Celery

from tests.benchmarks import body
from tests.benchmarks.environment import STOCK_BROKER

# Without its Django fixup, which costs a little per task: what is compared is the plain worker.
app = Celery("stock", broker=os.environ.get(STOCK_BROKER), fixups=[])


@app.task
def noop(number: int) -> None:
    body.work()
