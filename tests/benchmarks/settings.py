"""The reference project's settings with the benchmark's tasks and queues."""

import os
from datetime import timedelta

os.environ.setdefault("DJANGO_SECRET_KEY", "for benchmarks alone")

from config.settings import *  # noqa: F403
from config.settings import DATABASES, INSTALLED_APPS, JOBS_QUEUES
from tests.benchmarks.environment import PREPARED, QUERIES_PREPARED, RETENTION

INSTALLED_APPS = [*INSTALLED_APPS, "tests.benchmarks"]
NAMES = ("backlog", "few", "one-account", "many-accounts", "one-call", "unbounded")
JOBS_QUEUES |= {name: {"owner": "tests"} for name in (*NAMES, *(f"breadth-{number}" for number in range(16)))}
JOBS_QUEUES["bounded"] = {"owner": "tests", "bound": 10_000_000}
if RETENTION in os.environ:
    JOBS_RETENTION = timedelta(seconds=float(os.environ[RETENTION]))
if PREPARED in os.environ:
    DATABASES["default"]["OPTIONS"] |= QUERIES_PREPARED
