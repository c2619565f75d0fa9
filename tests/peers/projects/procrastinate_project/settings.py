"""As its manual says: https://procrastinate.readthedocs.io/en/stable/howto/django.html"""

from base import *  # noqa: F403
from base import ADMIN

INSTALLED_APPS = [*ADMIN, "procrastinate.contrib.django", "procrastinate_project"]
