"""Our contender's job."""

from jobs import idempotent_task
from tests.benchmarks import body


@idempotent_task(owner="tests", queue="backlog", dedupe_key=None)
def noop(number: int) -> None:
    body.work()
