"""Our contender's jobs."""

from jobs import idempotent_task
from tests.benchmarks import body, waits

BREADTH_QUEUES = tuple(f"breadth-{number}" for number in range(16))
BREADTH_TASKS = tuple(f"tests.benchmarks.kind_{number}" for number in range(100))


@idempotent_task(owner="tests", queue="backlog", dedupe_key=None)
def noop(number: int) -> None:
    body.work()


@idempotent_task(owner="tests", queue="backlog", dedupe_key=None)
def nap(number: int) -> None:
    body.nap()


@idempotent_task(owner="tests", queue="backlog", dedupe_key=None)
def query(number: int) -> None:
    body.query()


@idempotent_task(owner="tests", queue="critical", dedupe_key=None)
def timed(called: float) -> None:
    """Says when it was asked for and when it began."""
    waits.started(called)


def _kind(name: str) -> None:
    @idempotent_task(owner="tests", queue="backlog", dedupe_key=None, name=name)
    def kind(number: int) -> None:
        body.work()


for _name in BREADTH_TASKS:
    _kind(_name)
