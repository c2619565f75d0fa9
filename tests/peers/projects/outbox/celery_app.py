"""As its quick start says: https://barsoomx.github.io/django-celery-outbox/getting-started/"""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "outbox.settings")

import bodies
from base import BROKER_URL
from django_celery_outbox import OutboxCelery

app = OutboxCelery("outbox", broker=BROKER_URL)
ALL = {name: app.task(name=f"outbox.{name}")(body) for name, body in bodies.ALL.items()}
ALL["charge"] = ALL["hold"]
