"""`python -m tests.telemetry.caller`: a request that enqueues jobs, traced by OpenTelemetry and by Sentry.

Reads from standard input `[[task, payload], …]` and prints the jobs' ids.
"""

import json
import sys


def main(asked: list[list]) -> list[str]:
    import django

    django.setup()
    import sentry_sdk

    from jobs import observers

    with sentry_sdk.start_transaction(op="http.server", name="/invoices"):
        ids = request(asked)
    observers.tell(lambda o: o.flush())
    return ids


def request(asked: list[list]) -> list[str]:
    from django.db import transaction
    from opentelemetry import trace

    from jobs.task import registered

    with trace.get_tracer("web").start_as_current_span("POST /invoices"), transaction.atomic():
        return [str(registered()[task].enqueue(**payload).id) for task, payload in asked]


if __name__ == "__main__":
    print(json.dumps(main(json.load(sys.stdin))))
