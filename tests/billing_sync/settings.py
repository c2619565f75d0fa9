"""For programs that tests of this domain start: the project's settings at the pace of a test."""

import os
from datetime import timedelta

from tests.settings import *  # noqa: F403
from tests.settings import DATABASES

JOBS_LEASE = timedelta(seconds=5)
DATABASES["default"]["OPTIONS"] = {"options": "-c idle_in_transaction_session_timeout=4s"}  # below the lease
LEDGERLY_RETRY_BASE = timedelta(milliseconds=20)
LEDGERLY_RETRY_CAP = timedelta(milliseconds=500)
IMPORT_LINES_PER_CHUNK = int(os.environ.get("TEST_LINES_PER_CHUNK", "4000"))
# The tests kill processes, not machines: their PostgreSQL runs without fsync. The limits are meant for a longer lease.
SILENCED_SYSTEM_CHECKS = ["jobs.E011", "jobs.W005"]
