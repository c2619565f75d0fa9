"""Our contender's job."""

from jobs import idempotent_task
from tests.benchmarks import body, waits


@idempotent_task(owner="tests", queue="backlog", dedupe_key=None)
def noop(number: int) -> None:
    body.work()


@idempotent_task(owner="tests", queue="critical", dedupe_key=None)
def timed(called: float) -> None:
    """Says when it was asked for and when it began."""
    waits.started(called)
