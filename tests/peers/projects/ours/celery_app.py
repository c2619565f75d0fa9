import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ours.settings")

from jobs.celery_app import create_app

app = create_app("ours")
