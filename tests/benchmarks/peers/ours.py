"""Our caller, as a Django project's view or command would be one."""

import sys
from typing import Any

import django

django.setup()

from tests.benchmarks import driver, tasks

BACKLOG = "backlog"
AMONG_NEWEST = """
SELECT count(*) FROM (SELECT state FROM idempotency_record ORDER BY id DESC LIMIT 1000) AS newest
WHERE state IN ('queued', 'processing')
"""
AMONG_ALL = """
SELECT (SELECT count(*) FROM idempotency_record WHERE line IS NOT NULL)
    + (SELECT count(*) FROM idempotency_record WHERE state = 'processing')
"""


class Ours:
    def single(self, task: str, argument: Any) -> None:
        # Django's connection is in autocommit mode: each enqueue is its own transaction.
        getattr(tasks, task).using(queue=BACKLOG).enqueue(argument)

    def bulk(self, task: str, count: int) -> None:
        name = "called" if task == "timed" else "number"
        getattr(tasks, task).using(queue=BACKLOG).enqueue_many({name: number} for number in range(count))

    def left(self) -> int:
        return left()


class Broad(Ours):
    """A hundred kinds of jobs over sixteen queues."""

    def bulk(self, task: str, count: int) -> None:
        from celery import current_app
        from django.db import transaction

        kinds = [current_app.tasks[name] for name in tasks.BREADTH_TASKS]
        each = count // len(kinds)
        with transaction.atomic():
            for number, kind in enumerate(kinds):
                queue = tasks.BREADTH_QUEUES[number % len(tasks.BREADTH_QUEUES)]
                kind.using(queue=queue).enqueue_many({"number": n} for n in range(each))


def left() -> int:
    """By the indexes of live records: this is asked while others are being measured. The newest end last: first these.

    All are counted only when none of those is left: it goes past what has ended, as nobody has tidied up yet.
    """
    from django.db import connection

    with connection.cursor() as cursor:
        for question in (AMONG_NEWEST, AMONG_ALL):
            cursor.execute(question)
            if count := int(cursor.fetchone()[0]):
                return count
    return 0


if __name__ == "__main__":
    driver.serve(Broad() if "broad" in sys.argv else Ours())
