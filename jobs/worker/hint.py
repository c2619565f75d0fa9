"""The task that a hint names. It is invisible to Flower and to task events: jobs are what people look for."""

import logging
from typing import Any

from billiard.process import current_process
from celery import Task
from celery.worker.request import Request

from jobs import conf, hints, log_events
from jobs.worker.child import Child

logger = logging.getLogger(__name__)

FOR_EVER = 10**9  # seconds; Celery's own limits are for messages, ours are for jobs, and 0 would mean the global one

_child: Child | None = None


class HintRequest(Request):
    """A hint in the hands of the parent, which sets no timer for it.

    Celery leaves a cancelled timer where it is until its time has come, and that of a hint never comes: each would
    keep half a kilobyte for ever. The class that Celery makes of this one, for its pool, is what hands it on.
    """

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        hand_on = cls.execute_using_pool

        def execute_using_pool(self: Request, pool: Any, **options: Any) -> Any:
            result = hand_on(self, pool, **options)
            if hasattr(result, "_on_timeout_set"):  # billiard's: other pools set none
                result._on_timeout_set = None  # noqa: SLF001 - it is asked only once the child has accepted
            return result

        cls.execute_using_pool = execute_using_pool  # type: ignore[method-assign]


class Hint(Task):  # type: ignore[type-arg]
    name = hints.TASK
    Request = f"{__name__}:{HintRequest.__name__}"
    ignore_result = True
    send_events = False
    acks_late = False
    time_limit = soft_time_limit = FOR_EVER

    def run(self, queue: Any, **_later: Any) -> int:
        """Claim and run what the queue holds. Anything else in the message is ignored: it may be forged."""
        if not isinstance(queue, str) or queue not in conf.queues():
            logger.warning(
                "a hint names queue %.100r, which is not in JOBS_QUEUES; it is dropped",
                queue,
                extra=log_events.HINT_DROPPED,
            )
            return 0
        child = _this_child(self.request.hostname or "worker")
        return child.work(queue, str(self.request.id), self.request.headers or {})


def _this_child(hostname: str) -> Child:
    global _child
    if _child is None:
        _child = Child(hostname, slot=this_slot())
    return _child


def this_slot() -> int:
    """Of this process among the children of its worker."""
    return getattr(current_process(), "index", 0)


def forget_child() -> None:
    """After a fork: connections of the parent are not ours."""
    global _child
    _child = None
