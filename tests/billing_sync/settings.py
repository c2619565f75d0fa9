"""For programs that tests of this domain start: the project's settings at the pace of a test."""

import os
from datetime import timedelta

from tests.settings import *  # noqa: F403

JOBS_LEASE = timedelta(seconds=5)
LEDGERLY_RETRY_BASE = timedelta(milliseconds=20)
LEDGERLY_RETRY_CAP = timedelta(milliseconds=500)
IMPORT_INVOICES_PER_CHUNK = int(os.environ.get("TEST_INVOICES_PER_CHUNK", "200"))
