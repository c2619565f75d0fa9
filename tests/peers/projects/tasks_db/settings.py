"""As its README says: https://github.com/RealOrangeOne/django-tasks-db#installation"""

from base import *  # noqa: F403
from base import ADMIN

INSTALLED_APPS = [*ADMIN, "django_tasks", "django_tasks_db", "tasks_db"]
TASKS = {"default": {"BACKEND": "django_tasks_db.DatabaseBackend", "QUEUES": ["default"]}}
