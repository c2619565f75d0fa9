"""`python -m tests.benchmarks.requests TASK QUEUE JOBS`: a web-like caller, watched as its environment says.

Each of its requests is a trace of its own at Sentry and at OpenTelemetry, and enqueues a few jobs.
"""

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

JOBS = 10  # that one request enqueues


def main(task: str, queue: str, jobs: int) -> None:
    import django

    django.setup()
    from django.db import connection

    from jobs import observers
    from tests.benchmarks import tasks

    asked = getattr(tasks, task).using(queue=queue)
    with connection.cursor() as cursor:
        cursor.execute("SET synchronous_commit = off")  # it is not what is measured
    for start in range(0, jobs, JOBS):
        with _request():
            asked.enqueue_many({"number": number} for number in range(start, min(start + JOBS, jobs)))
    observers.tell(lambda o: o.flush())


@contextmanager
def _request() -> Iterator[None]:
    """In the spans that the integrations of a web server would have made; none without a tracer or a client."""
    import sentry_sdk
    from opentelemetry import trace

    with ExitStack() as stack:
        if sentry_sdk.is_initialized():
            stack.enter_context(sentry_sdk.start_transaction(op="http.server", name="/invoices"))
        stack.enter_context(trace.get_tracer("web").start_as_current_span("POST /invoices"))
        yield


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
