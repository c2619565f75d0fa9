"""The Celery application of the reference project."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

from config import observing
from jobs.celery_app import create_app

app = create_app("billing")
observing.start()
