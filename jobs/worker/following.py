"""What the pool calls with a hint, in a child: its own work at once, where nobody could tell that from Celery's tracer.

As with a job (`short_way`): on success the tracer does nothing that shows, and all its code is cold when a hint comes.
"""

import time
from functools import cache
from typing import Any

from celery import current_app
from celery.app import trace
from django.db import close_old_connections

from jobs import hints
from jobs.worker.hint import Hint, lead
from jobs.worker.short_way import Raised, ShortWay

_short = ShortWay()


def follow(name: str, id_: str, request: dict[str, Any], *message: Any) -> tuple[int, Any, float]:
    """Returns what Celery's tracer does: whether it failed, the result as text or the error, and the seconds it took.

    Args:
        name: the task's, as a message from anywhere says it.
        id_: the hint's.
        request: the message's headers and arguments, as Celery's parent hands them on.
        message: its body, content type and encoding.
    """
    hint = _registered()
    if not _is_plain(request) or not _short.is_open(hint):
        return _trace(name, id_, request, *message)
    began = time.monotonic()
    close_old_connections()  # as Django asks where work begins and ends; else the fixup does it
    try:
        jobs = lead(request["kwargs"]["queue"], id_, request["hostname"], request.get("headers"))
    except Exception as error:  # noqa: BLE001 - whatever it is, the tracer handles it
        hint.ending = Raised(error)
    else:
        return 0, repr(jobs), time.monotonic() - began
    finally:
        close_old_connections()
    return _trace(name, id_, request, *message)


def _is_plain(request: dict[str, Any]) -> bool:
    kwargs = request["kwargs"]
    return not request["args"] and type(kwargs) is dict and kwargs.keys() == {"queue"}


def _trace(*message: Any) -> tuple[int, Any, float]:
    """As Celery's own request would have it traced: the quick tracer knows the worker's name."""
    quick = getattr(current_app, "use_fast_trace_task", False)
    found: tuple[int, Any, float] = (trace.fast_trace_task if quick else trace.trace_task_ret)(*message)
    return found


@cache
def _registered() -> Hint:
    found: Any = current_app.tasks[hints.TASK]
    return found  # type: ignore[no-any-return]
