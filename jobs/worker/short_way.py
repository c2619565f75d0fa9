"""The short way through a job, where nobody could tell it from Celery's own tracer, which costs more than the rest.

On success the tracer pushes the task and its request, runs the body and pops them again. All else that it does is for
hooks, receivers, results and messages, and the way is open while there are none. A body that ends in any other way
ends in Celery's tracer after all: there the job's call returns or raises what the body has (`job.ending`).
"""

import logging
import time
from types import FunctionType
from typing import TYPE_CHECKING, Any, NoReturn
from weakref import ReferenceType

from celery import Task, signals
from celery._state import _task_stack  # type: ignore[attr-defined]
from celery.app import trace
from celery.app.task import Context
from celery.backends.base import Backend
from celery.loaders.base import BaseLoader
from celery.utils.saferepr import saferepr

from jobs.task import IdempotentTask
from jobs.worker import attempt

if TYPE_CHECKING:
    from jobs.context import Job

CELERYS = trace.TraceInfo.__init__.__code__.co_filename
OWN_CALL = IdempotentTask.__call__
HOOKS = ("before_start", "on_success", "after_return")
HEARD: tuple[Any, ...] = (signals.task_prerun, signals.task_postrun, signals.task_success)
CONTINUES = frozenset({"callbacks", "chain", "chord"})  # what a body may ask of Celery through its request
PLAIN = frozenset({type(None), bool, int, float})  # as Celery shows them: `repr`


class Deaf:
    """Whose receivers do nothing for a job."""


class ShortWay:
    """Of one worker process: for which jobs the way is open."""

    def __init__(self) -> None:
        self._tracers: dict[str, tuple[Any, Any, bool]] = {}
        self._deaf: list[list[Any]] = [[] for _ in HEARD]  # receivers that do nothing for a job

    def is_open(self, task: "Task[Any, Any]") -> bool:
        """Asked before each job and each hint, since a body may import what patches Celery or listens to it."""
        tracer = task.__dict__.get("__trace__")
        known = self._tracers.get(task.name)
        if known is None or known[0] is not tracer or known[1] is not trace.build_tracer:
            known = self._tracers[task.name] = tracer, trace.build_tracer, _is_plain(task)
        return known[2] and all(map(self._is_unheard, HEARD, self._deaf))

    @staticmethod
    def _is_unheard(signal: Any, deaf: list[Any]) -> bool:
        if signal.receivers == deaf:
            return True
        if not all(_is_deaf(receiver) for _, receiver in signal.receivers):
            return False
        deaf[:] = signal.receivers
        return True


def go(task: IdempotentTask, job: "Job", request: dict[str, Any]) -> tuple[float, str] | None:
    """Run the job to its end; returns how many seconds it took and its result as text.

    None where the rest is the tracer's; `request` then holds what the body has made of it.
    """
    context: Any = Context.__new__(Context)
    context.__dict__ = request
    began = time.monotonic()
    _task_stack.push(task)
    task.request_stack.push(context)
    try:
        result = attempt.perform(task, job, job.claimed.payload)
        if CONTINUES.isdisjoint(request):
            return _told(task, request, result, time.monotonic() - began)
        job.ending = lambda: result
    except Exception as error:  # noqa: BLE001 - whatever it is, the tracer handles it
        job.ending = Raised(error)
    finally:
        _task_stack.pop()
        task.request_stack.pop()
    return None


class Raised:
    """Raises it again, without the frame that caught it in its traceback."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def __call__(self) -> NoReturn:
        here = self._error.__traceback__
        raise self._error.with_traceback(here and here.tb_next)


def _told(task: IdempotentTask, request: dict[str, Any], result: Any, took: float) -> tuple[float, str]:
    shown = repr(result) if type(result) in PLAIN else str(saferepr(result, task.resultrepr_maxsize))
    if trace.logger.isEnabledFor(logging.INFO):
        told = {"id": request["id"], "name": task.name, "return_value": shown, "runtime": took,
                "args": request["argsrepr"], "kwargs": request["kwargsrepr"]}  # fmt: skip
        trace.info(trace.LOG_SUCCESS, told)
    return took, shown


def _is_plain(task: "Task[Any, Any]") -> bool:
    """Whether the task's tracer is Celery's own, of this very task, and has nothing to call but the body."""
    tracer = task.__dict__.get("__trace__") or trace.build_tracer(task.name, task, app=task.app)
    backend, loader = type(task.backend), type(task.app.loader)
    return (
        _is_celerys(tracer, task)
        and type(task).__call__ in (OWN_CALL, Task.__call__)
        and not any(trace.task_has_custom(task, hook) for hook in HOOKS)
        and backend.mark_as_done is Backend.mark_as_done
        and backend.process_cleanup is Backend.process_cleanup
        and loader.on_task_init is BaseLoader.on_task_init
        and loader.on_process_cleanup is BaseLoader.on_process_cleanup
    )


def _is_celerys(tracer: Any, task: "Task[Any, Any]") -> bool:
    if type(tracer) is not FunctionType or tracer.__code__.co_filename != CELERYS:
        return False
    cells = zip(tracer.__code__.co_freevars, tracer.__closure__ or (), strict=True)
    within = {name: cell.cell_contents for name, cell in cells}
    return within.get("task") is task and within.get("fun") in (task, task.run)


def _is_deaf(receiver: Any) -> bool:
    found = receiver() if isinstance(receiver, ReferenceType) else receiver
    return found is None or isinstance(getattr(found, "__self__", None), Deaf)
