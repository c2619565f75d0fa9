"""The project's own settings with the demo's profile on top."""

from config.demo import profile
from config.settings import *  # noqa: F403 - a settings module is the sum of its names

JOBS_LEASE = profile.LEASE
LEDGERLY_RETRY_BASE = profile.RETRY_BASE
LEDGERLY_RETRY_CAP = profile.RETRY_CAP
LEDGERLY_TIMEOUT = profile.CLIENT_TIMEOUT
