"""As its README says: https://github.com/steinitzu/celery-singleton#quick-start. The lock's expiry is its default."""

import os

import bodies
from celery import Celery
from celery_singleton import Singleton

app = Celery("singleton", broker=os.environ["PEERS_BROKER_URL"], backend=os.environ["PEERS_BROKER_URL"])
ALL = {name: app.task(base=Singleton, name=f"singleton.{name}")(body) for name, body in bodies.ALL.items()}
ALL["charge"] = ALL["hold"]
