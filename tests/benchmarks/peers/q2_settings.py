"""django-q2 on Redis: its page on configuration; two workers, successes not kept."""

import os

from tests.benchmarks.peers.django_base import *  # noqa: F403
from tests.benchmarks.peers.django_base import INSTALLED_APPS as BASE

INSTALLED_APPS = [*BASE, "django_q"]
Q_CLUSTER = {"name": "benchmark", "workers": 2, "redis": os.environ["BROKER_URL"], "save_limit": -1, "timeout": 60,
             "retry": 120, "queue_limit": 500, "log_level": "WARNING"}  # fmt: skip
