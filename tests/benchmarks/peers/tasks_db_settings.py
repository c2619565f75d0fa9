"""As the package's README has them."""

from tests.benchmarks.peers.django_base import *  # noqa: F403
from tests.benchmarks.peers.django_base import INSTALLED_APPS as BASE

INSTALLED_APPS = [*BASE, "django_tasks", "django_tasks_db"]
TASKS = {"default": {"BACKEND": "django_tasks_db.DatabaseBackend"}}
