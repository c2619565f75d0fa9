"""The reference project's settings, and the app that holds the tests' own tasks. Tests' programs use it too."""

import os

os.environ.setdefault("DJANGO_SECRET_KEY", "for tests alone")

from config.settings import *  # noqa: F403
from config.settings import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "tests.app"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
