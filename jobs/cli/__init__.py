"""The verbs of `manage.py jobs`, one module each: `help`, `add_arguments(parser)`, `handle(command, **options)`."""

from types import ModuleType

from jobs.cli import (
    bulk,
    dead_letters,
    design,
    discard,
    exporter,
    mark,
    metrics,
    pause,
    plan_retries,
    prune,
    reap,
    relay,
    replay,
    resume,
    status,
    transactions,
    verify,
    watch,
    why,
)

VERBS: dict[str, ModuleType] = {
    "status": status,
    "why": why,
    "relay": relay,
    "reap": reap,
    "prune": prune,
    "pause": pause,
    "resume": resume,
    "dead-letters": dead_letters,
    "replay": replay,
    "discard": discard,
    "bulk": bulk,
    "mark": mark,
    "verify": verify,
    "plan-retries": plan_retries,
    "metrics": metrics,
    "exporter": exporter,
    "watch": watch,
    "transactions": transactions,
    "design": design,
}
