from base import *  # noqa: F403
from base import ADMIN

INSTALLED_APPS = [*ADMIN, "django_celery_outbox"]
CELERY_OUTBOX_APP = "outbox.celery_app.app"
