"""The verbs of `manage.py jobs`, one module each: `help`, `add_arguments(parser)`, `handle(command, **options)`."""

from types import ModuleType

from jobs.cli import (
    design,
    exporter,
    metrics,
    pause,
    plan_retries,
    prune,
    reap,
    relay,
    resume,
    status,
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
    "verify": verify,
    "plan-retries": plan_retries,
    "metrics": metrics,
    "exporter": exporter,
    "watch": watch,
    "design": design,
}
