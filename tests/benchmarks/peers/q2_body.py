"""What django-q2 imports by its path."""

from tests.benchmarks import body


def noop(number: float) -> None:
    body.work()
