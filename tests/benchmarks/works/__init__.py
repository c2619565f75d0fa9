"""What is measured, by its short form: each takes a stage and returns its runs."""

from collections.abc import Callable

from tests.benchmarks.report import Run
from tests.benchmarks.works import draining, enqueueing, latency, memory, sleeping
from tests.benchmarks.works.stage import Stage

REGISTRY: dict[str, Callable[[Stage], list[Run]]] = {
    "drain": draining.DRAIN,
    "drain-quiet": draining.QUIET,
    "drain-sentry": draining.SENTRY,
    "drain-orm": draining.ORM,
    "five-ms": sleeping.five_ms,
    "drain-singles": draining.SINGLES,
    "enqueue": enqueueing.singles,
    "enqueue-many": enqueueing.many,
    "latency": latency.latency,
    "history": draining.history,
    "breadth": draining.breadth,
    "memory": memory.memory,
}
