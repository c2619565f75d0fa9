"""What Flower lacks for jobs. Its configuration file calls `prepare()`: see `deploy/flower/viewer.py`."""

import os
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from flower.views import BaseHandler
from flower.views.monitor import Metrics
from tornado import web

from jobs import conf

COLUMNS = "name,uuid,state,kwargs,received,runtime,retries,worker"


def prepare() -> None:
    """Show every declared queue in the Broker tab, served by a worker or not, and close `/metrics` like all else.

    Raises:
        ImproperlyConfigured: Flower is about to let everybody in.
    """
    if not (os.environ.get("FLOWER_BASIC_AUTH") or os.environ.get("FLOWER_AUTH")):
        raise ImproperlyConfigured(
            "Flower would let everybody in. Set FLOWER_BASIC_AUTH=user:password, or FLOWER_AUTH."
        )
    BaseHandler.get_active_queue_names = _queues
    if not hasattr(Metrics.get, "__wrapped__"):
        Metrics.get = web.authenticated(Metrics.get)


def _queues(handler: Any) -> list[str]:
    served = {queue["name"] for worker in handler.application.workers.values() for queue in worker["active_queues"]}
    return sorted(served | set(conf.queues()))
