"""The reference project's settings with the benchmark's task and two queues: one to warm up on, one for the backlog."""

import os

os.environ.setdefault("DJANGO_SECRET_KEY", "for benchmarks alone")

from config.settings import *  # noqa: F403
from config.settings import INSTALLED_APPS, JOBS_QUEUES

INSTALLED_APPS = [*INSTALLED_APPS, "tests.benchmarks"]
JOBS_QUEUES = JOBS_QUEUES | {"warm-up": {"owner": "tests"}, "backlog": {"owner": "tests"}}
JOBS_QUEUES |= {name: {"owner": "tests"} for name in ("few", "one-account", "many-accounts", "one-call", "unbounded")}
JOBS_QUEUES["bounded"] = {"owner": "tests", "bound": 10_000_000}
