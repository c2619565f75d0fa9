"""The same Django project without this one's applications."""

from tests.benchmarks.settings import *  # noqa: F403
from tests.benchmarks.settings import INSTALLED_APPS as ALL

OURS = {"idempotency", "jobs", "billing_sync", "tests.benchmarks"}
INSTALLED_APPS = [name for name in ALL if name not in OURS]
