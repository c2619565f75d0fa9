"""Celery's caller: the application's own publisher, with one producer for many jobs."""

import sys
from importlib import import_module
from typing import Any

from tests.benchmarks import driver


class Stock:
    def __init__(self, module: str) -> None:
        self._module = import_module(module)

    def single(self, task: str, argument: Any) -> None:
        getattr(self._module, task).delay(argument)

    def bulk(self, task: str, count: int) -> None:
        named = getattr(self._module, task)
        with self._module.app.producer_pool.acquire(block=True) as producer:
            for number in range(count):
                named.apply_async((number,), producer=producer)

    def left(self) -> int:
        with self._module.app.connection_for_read() as connection:
            return int(connection.default_channel._size("celery"))


class AfterInsert(Stock):
    """A caller whose own data comes first: one INSERT, committed, then `.delay()`."""

    def __init__(self, module: str) -> None:
        super().__init__(module)
        import django

        django.setup()
        from django.db import connection

        self._connection = connection
        with connection.cursor() as cursor:
            cursor.execute("CREATE TABLE IF NOT EXISTS asked (id bigserial PRIMARY KEY, number double precision)")

    def single(self, task: str, argument: Any) -> None:
        with self._connection.cursor() as cursor:
            cursor.execute("INSERT INTO asked (number) VALUES (%s) RETURNING id", [argument])
            cursor.fetchone()
        super().single(task, argument)


if __name__ == "__main__":
    module, *rest = sys.argv[1:]
    driver.serve(AfterInsert(module) if "insert" in rest else Stock(module))
