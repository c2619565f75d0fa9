"""What all contenders' jobs do: leave one byte, so that every run of a body is counted by somebody who is neither."""

import os
import time
from functools import cache
from pathlib import Path

from tests.benchmarks.environment import COUNTER

NAP = 0.005  # seconds


def work() -> None:
    os.write(_file(), b".")


def nap() -> None:
    time.sleep(NAP)
    work()


def query() -> None:
    """One query of Django's ORM, as small as they come."""
    from django.contrib.contenttypes.models import ContentType

    ContentType.objects.first()
    work()


@cache
def _file() -> int:
    """Opened to append: processes that share it never overwrite each other."""
    return os.open(os.environ[COUNTER], os.O_WRONLY | os.O_APPEND | os.O_CREAT)


class Counter:
    """The harness's side: how many bodies have run."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.touch()

    def reset(self) -> None:
        os.truncate(self.path, 0)

    def value(self) -> int:
        return self.path.stat().st_size
