"""The task that a hint names. It is invisible to Flower and to task events: jobs are what people look for."""

import logging
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from billiard.process import current_process
from celery import Task

from jobs import conf, hints, log_events
from jobs.worker.child import Child

logger = logging.getLogger(__name__)

_child: Child | None = None


class Hint(Task):  # type: ignore[type-arg]
    name = hints.TASK
    Request = "jobs.worker.hint_request:HintRequest"
    ignore_result = True
    send_events = False
    acks_late = False
    ending: Callable[[], NoReturn] | None = None  # how it has ended already, where only the telling is left

    def run(self, queue: Any, **_later: Any) -> int:
        """Claim and run what the queue holds. Anything else in the message is ignored: it may be forged."""
        if self.ending:
            ending, self.ending = self.ending, None
            ending()
        return lead(queue, self.request.id, self.request.hostname, self.request.headers)


def lead(queue: Any, id_: Any, hostname: str | None, headers: Mapping[str, str] | None) -> int:
    """Where a hint leads to; returns how many jobs that were."""
    if not isinstance(queue, str) or queue not in conf.queues():
        logger.warning(
            "a hint names queue %.100r, which is not in JOBS_QUEUES; it is dropped",
            queue,
            extra=log_events.HINT_DROPPED,
        )
        return 0
    return _this_child(hostname or "worker").work(queue, str(id_), headers or {})


def _this_child(hostname: str) -> Child:
    global _child
    if _child is None:
        _child = Child(hostname, slot=getattr(current_process(), "index", 0))
    return _child


def forget_child() -> None:
    """After a fork: connections of the parent are not ours."""
    global _child
    _child = None
