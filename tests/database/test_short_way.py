"""The short way through a job: nobody can tell it from Celery's own tracer, however the job ends, or it is closed."""

import json
import logging
import sys
from collections.abc import Callable
from contextlib import contextmanager
from datetime import timedelta
from functools import partial, wraps
from typing import Any, ClassVar

import pytest
from celery import current_app, current_task, signals
from celery._state import _task_stack
from celery.app import trace
from celery.exceptions import Ignore, Reject

from idempotency import transitions
from idempotency.models import Record
from jobs import PermanentError, RetryPolicy, TransientError, observers
from jobs.own_connection import OwnConnection
from jobs.worker import limits, shared
from jobs.worker.events import JobEvents
from jobs.worker.fixup import WorkerFixup
from jobs.worker.ready import Readying
from jobs.worker.settle import Settler
from jobs.worker.short_way import ShortWay
from jobs.worker.tracer import JobTracer
from tests.app.tasks import Task
from tests.records import claim, empty_heap, let_leases_run_out, own_connection

OF_THE_MOMENT = {"timestamp", "clock", "uuid", "root_id", "runtime"}


class Tells(Task):
    """Does what the test says, and notes what it sees of itself."""

    dedupe_key = ("name",)
    sensitive = ("secret",)
    retry_policy = RetryPolicy(max_attempts=9, base=timedelta(minutes=1), jitter="none")
    body: ClassVar[Callable[["Tells"], Any]]
    story: ClassVar[list[Any]]

    def run(self, **_: Any) -> Any:
        assert current_task == self
        seen = {k: v for k, v in sorted(vars(self.request).items()) if k not in ("id", "root_id", "job")}
        self.story.append(("runs", seen, len(_task_stack.stack), len(self.request_stack)))
        return self.body()


class Notes(observers.Observer):
    def __init__(self, story: list[Any]) -> None:
        self.story = story

    def running(self, _task, job, request):
        self.story.append(("running", sorted(request), job.attempt))
        return self._within()

    @contextmanager
    def _within(self):
        yield
        self.story.append("no longer running")

    def ended(self, _task, job, error):
        self.story.append(("ended", job.outcome, job.problem and job.problem.summary, repr(error)))


class Told(logging.Handler):
    """What stands in the log, as its readers see it."""

    def __init__(self, story: list[Any], ids: list[str]) -> None:
        super().__init__()
        self.story, self.ids = story, ids

    def emit(self, record: logging.LogRecord) -> None:
        text = record.getMessage()
        if "succeeded in" in text:
            text = text.partition("succeeded in")[0] + "succeeded: " + text.rpartition(": ")[2]
        data = {
            k: v for k, v in (getattr(record, "data", None) or {}).items() if k not in ("id", "runtime", "traceback")
        }
        self.story.append(("log", record.name, record.levelname, text.replace(self.ids[-1], "ID"), data,
                           bool(record.exc_info), getattr(record, "log_event", None)))  # fmt: skip


@pytest.fixture
def tell(committing, monkeypatch):
    """`tell(body, short=…)` runs one job in this process; returns everything that anybody could have seen of it."""
    own, stopping, ids = OwnConnection("jobs test"), [], [""]
    story: list[Any] = []
    notes, told, logger = Notes(story), Told(story, ids), logging.getLogger()
    level = logger.level

    def note(kind):
        def receive(sender, signal, **said):
            shown = {k: repr(v).replace(ids[-1], "ID") for k, v in sorted(said.items())
                     if k not in ("traceback", "einfo", "request", "task")}  # fmt: skip
            story.append((kind, sender.name, sorted(said), shown))

        return receive

    receivers = {"failure": note("failure"), "retry": note("retry")}
    signals.task_failure.connect(receivers["failure"], weak=False)
    signals.task_retry.connect(receivers["retry"], weak=False)
    observers.add(notes)
    shared.want_events(wanted=True)
    logger.setLevel(logging.INFO)
    logger.addHandler(told)

    def run(body, *, short, task=Tells):
        del story[:], stopping[:]
        empty_heap(committing)
        monkeypatch.setattr(Tells, "body", body, raising=False)
        monkeypatch.setattr(Tells, "story", story, raising=False)
        instance = task.instance()
        settler = Settler(own, lambda: bool(stopping))
        tracer = JobTracer(JobEvents("celery@here"))
        assert tracer._short.is_open(instance)
        if not short:
            monkeypatch.setattr(tracer._short, "is_open", lambda _: False)
        ids.append(str(task.enqueue(name="one", secret="hush").id))
        (claimed,) = claim(committing, queue=task.queue)
        try:
            run_watched(tracer, Readying("celery@here", settler).one(claimed))
        except BaseException as error:  # noqa: BLE001 - whatever a worker would see
            story.append(("raised", repr(error).partition("Traceback")[0]))
        finally:
            limits.stop()
        settler.flush()
        events = json.loads(tracer._events.take())
        story.append([{k: v for k, v in event.items() if k not in OF_THE_MOMENT} for event in events])
        story.append((len(_task_stack.stack), len(instance.request_stack)))
        story.append(list(Record.objects.order_by("id").values_list("state", "reason", "error", "result", "attempt")))
        return list(story)

    run.stop = lambda: stopping.append(True)
    yield run
    logger.setLevel(level)
    logger.removeHandler(told)
    shared.want_events(wanted=False)
    observers.remove(notes)
    signals.task_failure.disconnect(receivers["failure"])
    signals.task_retry.disconnect(receivers["retry"])
    own.close()


def run_watched(tracer, ready):
    tracer.follow([ready.claimed])
    tracer.run(ready, long=False)
    tracer.leave()


def raises(error):
    def body(self):
        raise error

    return body


def loses(self):
    with own_connection() as other:
        let_leases_run_out(other)
        transitions.reap(other)


def asks_for_more(self):
    self.request.callbacks = [Tells.si(name="two")]
    return "and more"


ENDS = {
    "nothing": lambda _: None,
    "a number": lambda _: 7,
    "a flag": lambda _: True,
    "a text": lambda _: "it's said",
    "a secret": lambda _: {"said": "hush"},
    "something long": lambda _: ["x" * 100] * 50,
    "no JSON": lambda _: object(),
    "a transient error": raises(TransientError("later")),
    "an unknown error": raises(KeyError("hush")),
    "a permanent error": raises(PermanentError("never")),
    "its own retry": lambda self: self.retry(countdown=60, exc=OSError("away")),
    "ignored": raises(Ignore("hush")),
    "rejected": raises(Reject("no")),
    "sys.exit": lambda _: sys.exit(3),
    "out of memory": raises(MemoryError()),
    "lost": loses,
    "called again": lambda self: self.run(name="one") if len(self.story) < 9 else "twice",
    "more asked for": asks_for_more,
}


@pytest.mark.parametrize("end", ENDS)
def test_however_a_job_ends_nobody_can_tell_which_way_it_went(tell, end):
    short, long = tell(ENDS[end], short=True), tell(ENDS[end], short=False)
    assert short == long
    assert any(told[0] == "runs" for told in short)


def test_a_worker_that_stops_interrupts_the_job_the_same_way(tell):
    def interrupted(self):
        tell.stop()
        raise SystemExit(0)

    short, long = tell(interrupted, short=True), tell(interrupted, short=False)
    assert short == long
    assert ("raised", "SystemExit(0)") in short
    assert short[-1][0][0] == "queued"


class WithHook(Tells):
    """A hook on failure alone leaves the way open, and fails itself."""

    dedupe_key = ("name",)

    def on_failure(self, exc, _task_id, args, kwargs, _einfo):
        self.story.append(("on_failure", repr(exc), args, kwargs))
        raise RuntimeError("the hook is broken")


def test_a_hook_that_fails_after_the_body_is_the_same_trouble(tell):
    body = raises(PermanentError("never"))
    short, long = tell(body, short=True, task=WithHook), tell(body, short=False, task=WithHook)
    assert short == long
    assert any(told[0] == "on_failure" for told in short)


# -- where it is closed ----------------------------------------------------------------------------------------------


class BeforeStart(Task):
    dedupe_key = None

    def run(self) -> None: ...

    def before_start(self, task_id, args, kwargs): ...


class OnSuccess(Task):
    dedupe_key = None

    def run(self) -> None: ...

    def on_success(self, retval, task_id, args, kwargs): ...


class AfterReturn(Task):
    dedupe_key = None

    def run(self) -> None: ...

    def after_return(self, status, retval, task_id, args, kwargs, einfo): ...


class Called(Task):
    dedupe_key = None

    def run(self) -> None: ...

    def __call__(self, *args, **kwargs):
        return super().__call__(*args, **kwargs)


class Quiet(Task):
    dedupe_key = None

    def run(self) -> None: ...


@pytest.mark.parametrize("task", [BeforeStart, OnSuccess, AfterReturn, Called])
def test_a_task_with_a_hook_around_its_body_goes_through_celerys_tracer(task):
    assert not ShortWay().is_open(task.instance())
    assert ShortWay().is_open(Quiet.instance())


@pytest.mark.parametrize("signal", [signals.task_prerun, signals.task_postrun, signals.task_success])
def test_who_listens_closes_the_way_at_once_and_opens_it_when_gone(signal):
    way, task = ShortWay(), Quiet.instance()
    assert way.is_open(task)

    def listen(**_: Any) -> None: ...

    signal.connect(listen)
    assert not way.is_open(task)
    signal.disconnect(listen)
    assert way.is_open(task)


def test_the_fixup_that_passes_over_jobs_does_not_close_it():
    fixup = WorkerFixup(current_app)
    signals.task_prerun.connect(fixup.on_task_prerun)
    way = ShortWay()
    assert way.is_open(Quiet.instance())
    signals.task_prerun.disconnect(fixup.on_task_prerun)


def test_a_tracer_that_somebody_has_wrapped_is_used(monkeypatch):
    way, task = ShortWay(), Quiet.instance()
    celerys = trace.build_tracer(task.name, task, app=current_app)
    monkeypatch.setattr(task, "__trace__", celerys, raising=False)
    assert way.is_open(task)
    monkeypatch.setattr(task, "__trace__", wraps(celerys)(partial(celerys)))
    assert not way.is_open(task)


def test_a_tracer_that_was_built_for_somebody_elses_stand_in_is_used(monkeypatch):
    class StandIn(Quiet):
        dedupe_key = None
        name = "tests.stand_in"

    task = Quiet.instance()
    built = trace.build_tracer(task.name, StandIn.instance(), app=current_app)
    monkeypatch.setattr(task, "__trace__", built, raising=False)
    assert not ShortWay().is_open(task)


def test_a_tracer_builder_that_was_patched_closes_it(monkeypatch):
    way, task = ShortWay(), Quiet.instance()
    assert way.is_open(task)
    monkeypatch.setattr(trace, "build_tracer", lambda *_args, **_: print)
    assert not way.is_open(task)
