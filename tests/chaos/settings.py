"""What the programs of a chaos run are set to: the reference project's settings, at the pace of `tests.chaos.pace`."""

import os
from datetime import timedelta

from tests.chaos import pace, teeth
from tests.settings import *  # noqa: F403
from tests.settings import DATABASES

JOBS_LEASE = timedelta(seconds=pace.LEASE)
JOBS_TIME_LIMITS = pace.LIMITS
DATABASES["default"]["OPTIONS"] = {
    "options": f"-c idle_in_transaction_session_timeout={pace.IDLE_IN_TRANSACTION:g}s",
    "connect_timeout": 3,
}
CHAOS_BREAK = os.environ.get("CHAOS_BREAK", "")
teeth.apply(CHAOS_BREAK)
