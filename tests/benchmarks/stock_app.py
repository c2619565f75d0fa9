"""The other contender: Celery as its manual's first page sets it up."""

import os

from celery import Celery

from tests.benchmarks import body, sentry, waits
from tests.benchmarks.environment import STOCK_BROKER, TUNED

# Without its Django fixup, which costs a little per task: what is compared is the plain worker.
app = Celery("stock", broker=os.environ.get(STOCK_BROKER), fixups=[], set_as_current=False)
if os.environ.get(TUNED):
    # https://docs.celeryq.dev/en/stable/userguide/optimizing.html
    app.conf.update(worker_prefetch_multiplier=128, worker_disable_rate_limits=True, task_ignore_result=True,
                    task_default_delivery_mode="transient", broker_pool_limit=10)  # fmt: skip
if sentry.wanted():
    sentry.start()


@app.task
def noop(number: int) -> None:
    body.work()


@app.task
def nap(number: int) -> None:
    body.nap()


@app.task
def timed(called: float) -> None:
    waits.started(called)
