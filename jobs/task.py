"""`IdempotentTask`: a `celery.Task` whose every call is a record first."""

import inspect
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, ClassVar

from celery import Celery, Task, current_app
from celery._state import (  # type: ignore[attr-defined]
    _get_active_apps,
    _task_stack,
    connect_on_app_finalize,
    get_current_app,
    get_current_worker_task,
)
from celery.exceptions import Retry
from celery.utils.threads import LocalStack

from idempotency.claims import Request
from jobs import calls, conf, definition, enqueueing, enqueueing_many
from jobs.celery_options import options_from
from jobs.context import Job
from jobs.enqueueing import Enqueued
from jobs.options import Options
from jobs.result import JobResult
from jobs.retry import RetryPolicy
from jobs.verdicts import Verdict
from jobs.worker import attempt


class _OnInstance:
    """A method of the registered instance that may be called on the class as well.

    Celery's own decorator hands out instances; a class statement does not, and `SyncInvoice.delay(…)` must work too.
    """

    def __init__(self, method: Callable[..., Any]) -> None:
        self._method = method
        self.__doc__ = method.__doc__

    def __get__(self, instance: Any, owner: type["IdempotentTask"]) -> Any:
        return self._method.__get__(owner.instance() if instance is None else instance, owner)


class IdempotentTask(Task):  # type: ignore[type-arg]
    """Subclass it, name a `dedupe_key`, write `run`.

    Attributes:
        queue: one of `JOBS_QUEUES`.
        owner: who is asked when it fails.
        dedupe_key: names of the parameters that, with the task's name, make two requests the same work. It has no
            default; None says that every call is its own work.
        dedupe_window: how long a finished job answers for its key; None, for ever.
        retry_policy: how often and when a transient failure is tried again.
        vendor: whose service the body calls; a 429 then pauses the vendor's queue for everybody.
        calls_per_attempt: how many calls to the vendor one attempt makes; by default one, and one for `already_done`.
            Those that its client takes beyond it wait for slots of their own.
        account: name of the parameter that says whose work it is. Accounts take turns in a queue, so that one with
            50,000 jobs does not delay another's single one; a vendor may limit each.
        priority: from -100 to 100. A step counts as a minute of waiting: what is older by more still comes first.
        external_effect: the body does what a rollback cannot undo and the other side cannot tell from a second time
            (sends a mail). In doubt it is not repeated: `already_done` is asked, or the job waits for a person.
        sensitive: parameters that are never shown, logged or traced.
        soft_time_limit, time_limit: seconds; by default `JOBS_TIME_LIMITS`.
        payload_version: raised when the meaning of the parameters changes.

    Optional methods, which take the parameters of `run` by name:
        already_done: look whether the effect is there before it is made; anything but None is the result.
        commit: database effects that belong to the success, in the transaction that settles it. Takes the result first.
        concerns: the model instance that the job is about, which its page in the admin links to; None, it is gone.
        changed_since: one sentence for whoever is about to replay the job, if what it is about has changed since the
            aware time given first; else None.
    """

    abstract = True
    ignore_result = True
    queue: ClassVar[str] = "default"
    owner: ClassVar[str | None] = None
    dedupe_key: ClassVar[tuple[str, ...] | None]
    dedupe_window: ClassVar[timedelta | None] = None
    retry_policy: ClassVar[RetryPolicy] = RetryPolicy()
    vendor: ClassVar[str | None] = None
    calls_per_attempt: ClassVar[int | None] = None
    account: ClassVar[str | None] = None
    priority: ClassVar[int] = 0  # type: ignore[misc]
    external_effect: ClassVar[bool] = False
    sensitive: ClassVar[tuple[str, ...]] = ()
    payload_version: ClassVar[int] = 1
    AsyncResult = JobResult  # type: ignore[assignment]

    already_done: Callable[..., Any] | None = None
    commit: Callable[..., None] | None = None
    concerns: Callable[..., Any] | None = None
    changed_since: Callable[..., str | None] | None = None

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if cls.__dict__.get("abstract") or cls.run is Task.run:
            return
        cls.abstract = False
        if not cls.__dict__.get("name"):
            cls.name = f"{cls.__module__.removesuffix('.tasks')}.{cls.__name__}"
        definition.check(cls)
        stack: Any = LocalStack()
        cls.request_stack = stack  # Celery makes one only when the application is first used
        if not cls.__dict__.get("_decorated"):  # Celery registers what its own decorator makes
            _register(cls)

    # -- asking for it ------------------------------------------------------------------------------------------------

    @classmethod
    def enqueue(cls, *args: Any, **kwargs: Any) -> Enqueued:
        """Write the job's record in the current transaction; a worker runs it after the commit.

        Takes the parameters of `run`. A request whose key is known is answered with the first one's record.

        Raises:
            PayloadError: a parameter is unknown, missing, or not JSON.
            KeyPartError: a part of the key names nothing.
            KeyConflict: the key is taken by another payload.
            EnqueueBusy: the key's first caller has not committed within your connection's `lock_timeout`.
            QueueFull: the queue holds as many jobs as its bound allows, and no record answers for this request. Not
                raised inside a running job.
        """
        return enqueueing.enqueue(cls, Options(), args, kwargs)

    @classmethod
    def enqueue_many(cls, payloads: Iterable[Mapping[str, Any]]) -> Sequence[Enqueued]:
        """Write a record for each of the payloads, all or none; one statement per thousand.

        Returns one answer per payload, in their order. Raises as `enqueue` does. All payloads are in memory until the
        end, a third of a kilobyte for a small one: 300 MB for a million. With `jobs.in_chunks` memory stays flat.
        """
        return enqueueing_many.enqueue_many(cls, Options(), payloads)

    @classmethod
    def using(
        cls,
        *,
        queue: str | None = None,
        run_after: datetime | None = None,
        delay: timedelta = timedelta(0),
        priority: int | None = None,
    ) -> "BoundOptions":
        """The same task on another declared queue, later, or sooner than others."""
        return BoundOptions(cls, Options(queue=queue, run_after=run_after, delay=delay, priority=priority))

    @_OnInstance
    def delay(self, *args: Any, **kwargs: Any) -> JobResult:
        """Celery's spelling of `enqueue`."""
        result: JobResult = self.apply_async(args, kwargs)
        return result

    @_OnInstance
    def apply_async(
        self, args: Any = None, kwargs: Any = None, task_id: str | None = None, **options: Any
    ) -> JobResult:
        """Celery's spelling of `using(…).enqueue(…)`; takes countdown, eta, queue and what canvas attaches.

        Raises:
            EnqueueError: an option that a record cannot honour, such as `expires` or a chord.
        """
        asked = options_from(self.name, task_id, options)
        answer = enqueueing.enqueue(type(self), asked, tuple(args or ()), dict(kwargs or {}))
        return JobResult(str(answer.id), app=self.app)

    s, si = _OnInstance(Task.s), _OnInstance(Task.si)
    signature, apply = _OnInstance(Task.signature), _OnInstance(Task.apply)

    def classify(self, error: BaseException) -> Verdict | None:  # noqa: ARG002 - a hook that says nothing by itself
        """What an error of this task means; None: as `JOBS_CLASSIFIERS` and the built-in taxonomy have it.

        Override it where a vendor's client has errors of its own. It says whether to try again, and never whether an
        outside effect has happened: around such a call raise one of this package's errors instead.
        """
        return None

    # -- running it ---------------------------------------------------------------------------------------------------

    @property
    def job(self) -> Job:
        """The running attempt. Outside a worker there is none."""
        found = self.request.get("job")
        if found is None:
            raise RuntimeError(f"{self.name}: self.job exists only while a worker runs the job; this is a plain call.")
        return found  # type: ignore[no-any-return]

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        request = self.request
        job: Job | None = request.get("job")
        if job and job.ending:  # it has run already
            ending, job.ending = job.ending, None
            return ending()
        if request.called_directly or self.request.is_eager or (job and job.entered):
            return super().__call__(*args, **kwargs)
        if job is None:
            return attempt.unrecorded(self, args, kwargs)
        return attempt.perform(self, job, kwargs)

    def retry(self, *_ignored: Any, exc: Exception | None = None, **options: Any) -> Any:
        """Celery's own call for another attempt; the record keeps count, so nothing is sent."""
        raise Retry(exc=exc, when=options.get("countdown") or options.get("eta"))

    # -- what the rest of the package asks ----------------------------------------------------------------------------

    @classmethod
    def instance(cls) -> "IdempotentTask":
        """The one instance, as registered with Celery."""
        found: Any = current_app.tasks[cls.name]
        return found  # type: ignore[no-any-return]

    @classmethod
    def signature_of_run(cls) -> inspect.Signature:
        found: inspect.Signature | None = cls.__dict__.get("_signature_of_run")
        if found is None:
            bound = not isinstance(inspect.getattr_static(cls, "run"), staticmethod)
            found = calls.signature_of(cls.run, cls.name, bound=bound)
            cls._signature_of_run = found  # type: ignore[attr-defined]
        return found

    @classmethod
    def accepted_names(cls) -> calls.Names:
        found: calls.Names | None = cls.__dict__.get("_accepted_names")
        if found is None:
            found = cls._accepted_names = calls.names_of(cls.signature_of_run())  # type: ignore[attr-defined]
        return found

    @classmethod
    def form(cls) -> calls.Form:
        found: calls.Form | None = cls.__dict__.get("_form")
        if found is None:
            secret = cls.account in cls.sensitive
            found = calls.form_of(cls.name, cls.dedupe_key, cls.signature_of_run(), account=cls.account, secret=secret)
            cls._form = found  # type: ignore[attr-defined]
        return found

    @classmethod
    def request_for(cls, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Request:
        """The record that a call asks for, not written yet. Raises what `enqueue` raises for its parameters."""
        arguments = calls.bind(cls.signature_of_run(), cls.name, args, kwargs, cls.accepted_names())
        return cls.form().request(arguments, limit=conf.max_payload())

    @classmethod
    def requests_for(cls, payloads: Iterable[Mapping[str, Any]]) -> Iterator[Request]:
        """The same of many."""
        signature, name, names = cls.signature_of_run(), cls.name, cls.accepted_names()
        request, limit = cls.form().request, conf.max_payload()
        for payload in payloads:
            yield request(calls.bind(signature, name, (), payload, names), limit=limit)

    @classmethod
    def limits(cls) -> tuple[float | None, float | None]:
        """Soft and hard limit, seconds."""
        if cls.soft_time_limit is None and cls.time_limit is None:
            return conf.time_limits()
        return cls.soft_time_limit, cls.time_limit

    @classmethod
    def runs_alone(cls) -> bool:
        """Whether it may run longer than a batch may wait."""
        hard = cls.limits()[1]
        return hard is None or hard > conf.batch_time_limit()

    @classmethod
    def settles_alone(cls) -> bool:
        """Whether its outcome must be written before the next job starts: where a second run would show outside."""
        return bool(cls.vendor or cls.external_effect or cls.already_done or cls.commit)

    @staticmethod
    def called_by_a_job() -> bool:
        """Whether this thread is inside a running job: in its body, its `commit`, a callback or a signal's receiver."""
        return any(
            request.get("job")
            for task in _task_stack.stack
            if isinstance(task, IdempotentTask)
            for request in task.request_stack.stack
        )

    @staticmethod
    def vendor_of(queue: str) -> str | None:
        """Whose queue it is."""
        return vendor_queues().get(queue)

    @classmethod
    def calls(cls) -> int:
        """To the vendor, in one attempt."""
        return cls.calls_per_attempt or (2 if cls.already_done else 1)

    @classmethod
    def masked(cls, payload: Mapping[str, Any]) -> dict[str, Any]:
        """The payload for eyes: sensitive parameters as stars."""
        return {name: "********" if name in cls.sensitive else value for name, value in payload.items()}

    @classmethod
    def redacted(cls, payload: Mapping[str, Any]) -> dict[str, Any]:
        """What tools that show jobs are told of the payload: the key's parameters alone, sensitive ones as stars."""
        return {n: "********" if n in cls.sensitive else payload[n] for n in cls.dedupe_key or () if n in payload}

    @classmethod
    def secrets(cls, payload: Mapping[str, Any]) -> list[Any]:
        """The values that nobody may see."""
        return [payload[name] for name in cls.sensitive if name in payload]

    @classmethod
    def bind(cls, app: Celery) -> Celery:
        with warnings.catch_warnings():
            # Celery warns that it will ignore a task's `queue` and `priority` some day. They are the record's: it may.
            warnings.filterwarnings("ignore", message=r"\s*The '(queue|priority)' task attribute")
            bound: Celery = super().bind(app)
        _vendor_queues.cache_clear()
        return bound


@dataclass(frozen=True, slots=True)
class BoundOptions:
    """What `IdempotentTask.using` returns: a task with options, waiting for its parameters."""

    task: type[IdempotentTask]
    options: Options

    def enqueue(self, *args: Any, **kwargs: Any) -> Enqueued:
        return enqueueing.enqueue(self.task, self.options, args, kwargs)

    def enqueue_many(self, payloads: Iterable[Mapping[str, Any]]) -> Sequence[Enqueued]:
        return enqueueing_many.enqueue_many(self.task, self.options, payloads)


def idempotent_task(**attributes: Any) -> Callable[[Callable[..., Any]], IdempotentTask]:
    """Make a function an `IdempotentTask`; the keyword arguments are the class attributes."""

    def decorate(function: Callable[..., Any]) -> IdempotentTask:
        body = {
            "run": staticmethod(function),
            "__module__": function.__module__,
            "__qualname__": function.__qualname__,
            "__doc__": function.__doc__,
            "__wrapped__": function,
        }
        made: type[IdempotentTask] = type(function.__name__, (IdempotentTask,), body | attributes)
        return made._instance  # type: ignore[attr-defined,no-any-return]  # noqa: SLF001 - made by _register

    return decorate


def registered() -> dict[str, type[IdempotentTask]]:
    """Every concrete task of this process, by name."""
    return {n: type(t) for n, t in current_app.tasks.items() if isinstance(t, IdempotentTask)}


def running_job(vendor: str) -> Job | None:
    """The job that this thread runs, if its task is one of the vendor's."""
    task: Any = get_current_worker_task()
    if getattr(task, "vendor", None) != vendor:
        return None
    job: Job | None = task.request.get("job")
    return job


def current_job() -> tuple[IdempotentTask, Job] | None:
    """The job that this thread runs."""
    task: Any = get_current_worker_task()
    job: Job | None = task.request.get("job") if isinstance(task, IdempotentTask) else None
    return None if job is None else (task, job)


def vendor_queues() -> Mapping[str, str]:
    """The vendor of each queue that has one."""
    return _vendor_queues(get_current_app())


@lru_cache(1)  # a look at every task takes a caller that has rested 0.1 ms; `bind` forgets it
def _vendor_queues(_app: Celery) -> Mapping[str, str]:
    return {task.queue: task.vendor for task in registered().values() if task.vendor}


def _register(cls: type[IdempotentTask]) -> None:
    """Into every Celery application, as `shared_task` does: the class may be read before or after the application."""
    instance = cls()
    cls._instance = instance  # type: ignore[attr-defined]
    connect_on_app_finalize(lambda app: app.register_task(instance))
    for app in _get_active_apps():
        if app.finalized:
            app.register_task(instance)
