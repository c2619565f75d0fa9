"""The reference project's settings, and the app that holds the tests' own tasks. Tests' programs use it too."""

import os
from datetime import timedelta

os.environ.setdefault("DJANGO_SECRET_KEY", "for tests alone")

from config.settings import *  # noqa: F403
from config.settings import INSTALLED_APPS, JOBS_QUEUES

INSTALLED_APPS = [*INSTALLED_APPS, "tests.app"]
JOBS_QUEUES = {
    **JOBS_QUEUES,
    "throttled": {"owner": "tests"},
    "holding": {"owner": "tests", "bound": 10, "when_full": "hold"},
    "narrow": {"owner": "tests", "bound": int(os.environ.get("TESTS_BOUND", "10"))},
}
BENCH_VENDORS = ("open", "other", "fragile", "limited", "serial", "by-account", "budget")  # tests/vendors calls them
JOBS_QUEUES |= {name: {"owner": "tests"} for name in BENCH_VENDORS}
JOBS_VENDORS = {
    "fragile": {
        "circuit_failures": 5,
        "circuit_shortest": timedelta(seconds=2),
        "circuit_longest": timedelta(seconds=5),
    },
    "limited": {"calls_per_second": 200, "burst": 20},
    "serial": {"account_concurrency": 1},
    "by-account": {"account_calls_per_second": 10, "account_burst": 2},
    "budget": {"retry_share": 0.2, "retry_floor": 2, "circuit_failures": 10**6},
}
if "LOG_STYLE" not in os.environ:  # tests read what Celery's own lines say
    LOGGING_CONFIG, LOGGING = "logging.config.dictConfig", {}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

if "TESTS_LEASE" in os.environ:  # seconds, for programs that a test kills or freezes
    JOBS_LEASE = timedelta(seconds=float(os.environ["TESTS_LEASE"]))
if "TESTS_SNAPSHOT" in os.environ:  # seconds between two looks at the metrics
    JOBS_SNAPSHOT_EVERY = timedelta(seconds=float(os.environ["TESTS_SNAPSHOT"]))
if "TESTS_LONG_TRANSACTION" in os.environ:
    JOBS_LONG_TRANSACTION = timedelta(seconds=float(os.environ["TESTS_LONG_TRANSACTION"]))
if "TESTS_BULK_BOUND" in os.environ:
    JOBS_QUEUES["bulk-import"] = JOBS_QUEUES["bulk-import"] | {"bound": int(os.environ["TESTS_BULK_BOUND"])}
if "TESTS_ADOPT" in os.environ:
    JOBS_ADOPT_UNRECORDED = True
if "TESTS_SILENCE" in os.environ:  # seconds; a program doubts its broker after two of them without a word
    CELERY_BROKER_HEARTBEAT = int(os.environ["TESTS_SILENCE"])
    CELERY_BROKER_TRANSPORT_OPTIONS = dict.fromkeys(
        ("health_check_interval", "socket_timeout"), CELERY_BROKER_HEARTBEAT
    )
# The tests kill processes, not machines: their PostgreSQL runs without fsync. Leases are short, so that they run out.
SILENCED_SYSTEM_CHECKS = ["jobs.E011", "jobs.W005", "jobs.W014"]
