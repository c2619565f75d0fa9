"""Celery in a Django project, as its manual's page on Django sets it up; its fixup is Celery's default."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.benchmarks.stock_django_settings")

from celery import Celery

from tests.benchmarks import body
from tests.benchmarks.environment import STOCK_BROKER

app = Celery("stock", broker=os.environ.get(STOCK_BROKER), set_as_current=False)


@app.task
def noop(number: int) -> None:
    body.work()


@app.task
def query(number: int) -> None:
    body.query()
