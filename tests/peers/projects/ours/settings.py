import os
from datetime import timedelta

from base import *  # noqa: F403
from base import ADMIN, BROKER_URL

INSTALLED_APPS = [*ADMIN, "idempotency", "jobs", "ours"]
CELERY_BROKER_URL = BROKER_URL
JOBS_QUEUES = {"default": {"owner": "peers"}}
JOBS_LEASE = timedelta(seconds=float(os.environ["PEERS_LEASE"]))  # 60 s unless set
SILENCED_SYSTEM_CHECKS = ["jobs.W005", "jobs.W014"]  # the lease is shorter than the time limits, for a quick scenario
