"""The verbs of `manage.py jobs`, one module each: `help`, `add_arguments(parser)`, `handle(command, **options)`."""

from types import ModuleType

from jobs.cli import design, mark, pause, plan_retries, prune, reap, relay, resume, status, verify, why

VERBS: dict[str, ModuleType] = {
    "status": status,
    "why": why,
    "relay": relay,
    "reap": reap,
    "prune": prune,
    "pause": pause,
    "resume": resume,
    "mark": mark,
    "verify": verify,
    "plan-retries": plan_retries,
    "design": design,
}
