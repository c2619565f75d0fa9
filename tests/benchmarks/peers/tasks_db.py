"""django-tasks-db: its README; two `db_worker` processes."""

from typing import Any

import django

django.setup()

from django.core.management import call_command
from django_tasks import task

from tests.benchmarks import body, driver


@task()
def noop(number: float) -> None:
    body.work()


class Caller:
    def __init__(self) -> None:
        call_command("migrate", verbosity=0)

    def single(self, task: str, argument: Any) -> None:
        noop.enqueue(argument)

    def bulk(self, task: str, count: int) -> None:
        from django.db import transaction

        with transaction.atomic():
            for number in range(count):
                noop.enqueue(number)

    def left(self) -> int:
        from django_tasks_db.models import DBTaskResult

        return int(DBTaskResult.objects.filter(status__in=("READY", "RUNNING")).count())


if __name__ == "__main__":
    from tests.benchmarks.peers import tasks_db  # the task belongs to the module's real name

    driver.serve(tasks_db.Caller())
