"""What `manage.py check` says of tasks and settings, each with its remedy."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register  # noqa: A004 - Django's own word
from django.core.exceptions import ImproperlyConfigured

from jobs import conf, taxonomy, vendors
from jobs.retry import RetryPolicy
from jobs.retry_plan import room_within_deadline
from jobs.task import IdempotentTask, registered


@register
def check_jobs(**_: Any) -> list[CheckMessage]:
    """Everything this package can know before a job runs."""
    tasks = sorted(registered().values(), key=lambda t: t.name)
    about_tasks = (*_queues(tasks), *_vendors(tasks), *_limits(tasks), *_policies(tasks))
    return [*_database(), *_bounds(), *_classifiers(), *about_tasks]


def _database() -> Iterator[CheckMessage]:
    engine = settings.DATABASES["default"]["ENGINE"]
    if not any(word in engine for word in ("postgresql", "postgis")):
        yield Error(f"The default database is {engine}.", hint="Records need PostgreSQL 14 or newer.", id="jobs.E001")


def _queues(tasks: list[type[IdempotentTask]]) -> Iterator[CheckMessage]:
    for task in tasks:
        if task.queue not in conf.queues():
            yield Error(
                f"{task.name}: queue {task.queue!r} is not declared.", hint="Add it to JOBS_QUEUES.", id="jobs.E002"
            )


def _bounds() -> Iterator[CheckMessage]:
    for queue, options in sorted(conf.queues().items()):
        yield from _criticality(queue, options)
        bound, when_full = options.get("bound"), options.get("when_full", conf.REFUSE)
        if bound is not None and (type(bound) is not int or bound < 1):
            yield Error(
                f"JOBS_QUEUES[{queue!r}]['bound'] is {bound!r}.",
                hint="Say how many jobs may wait in it, a whole number from 1, or leave it out: then any number may.",
                id="jobs.E031",
            )
        if when_full not in conf.WHEN_FULL:
            known = " or ".join(map(repr, conf.WHEN_FULL))
            yield Error(f"JOBS_QUEUES[{queue!r}]['when_full'] is {when_full!r}.", hint=f"Say {known}.", id="jobs.E032")
        elif "when_full" in options and bound is None:
            yield Warning(
                f"JOBS_QUEUES[{queue!r}]['when_full'] has no effect: the queue has no bound.",
                hint="Give it a bound, or leave when_full out.",
                id="jobs.W033",
            )


def _criticality(queue: str, options: Mapping[str, Any]) -> Iterator[CheckMessage]:
    criticality = options.get("criticality", "normal")
    if criticality not in conf.CRITICALITIES:
        yield Error(
            f"JOBS_QUEUES[{queue!r}]['criticality'] is {criticality!r}.",
            hint=f"Say one of {', '.join(map(repr, conf.CRITICALITIES))}, or leave it out: 'normal'.",
            id="jobs.E034",
        )
    if criticality == conf.CRITICAL and options.get("bound") is not None:
        yield Error(
            f"Queue {queue!r} is critical and has a bound.",
            hint="Critical jobs are never refused. Leave the bound out, or the criticality.",
            id="jobs.E030",
        )


def _vendors(tasks: list[type[IdempotentTask]]) -> Iterator[CheckMessage]:
    """A vendor's pause stops its queue, so nobody else's work may wait in it."""
    by_queue, by_vendor = defaultdict(set), defaultdict(set)
    for task in tasks:
        by_queue[task.queue].add(task.vendor)
        by_vendor[task.vendor].add(task.queue)
    for queue, owners in sorted(by_queue.items()):
        if len(owners) > 1:
            names = ", ".join(sorted(v or "no vendor" for v in owners))
            yield Error(
                f"Queue {queue!r} is shared by tasks of {names}.",
                hint="A pause of one would stop all. Give each vendor a queue of its own.",
                id="jobs.E003",
            )

    for vendor, queues in sorted((v, queues) for v, queues in by_vendor.items() if v and len(queues) > 1):
        yield Error(
            f"Vendor {vendor!r} is called from the queues {', '.join(sorted(queues))}.",
            hint="Its pauses and limits are those of one queue: each would have them anew. Give its tasks the same.",
            id="jobs.E052",
        )
    yield from _declared_vendors({task.vendor for task in tasks if task.vendor})
    yield from _accounts(tasks)


def _accounts(tasks: list[type[IdempotentTask]]) -> Iterator[CheckMessage]:
    """Of a task that names no account all jobs are of one."""
    for task in tasks:
        if task.vendor and not task.account and _limits_accounts(task.vendor):
            yield Warning(
                f"{task.name}: JOBS_VENDORS[{task.vendor!r}] limits each account, and the task names none.",
                hint="All of its jobs count as one account's. Name the parameter: account = '…'.",
                id="jobs.W053",
            )


def _limits_accounts(vendor: str) -> bool:
    try:
        limits = vendors.declared(vendor).limits
    except ImproperlyConfigured:  # told already
        return False
    return limits.account_serial or limits.account_calls_per_second is not None


def _declared_vendors(known: set[str]) -> Iterator[CheckMessage]:
    for name in sorted(conf.vendors()):
        try:
            vendors.declared(name)
        except ImproperlyConfigured as error:
            yield Error(str(error), hint="Correct it: until it can be read its limits bind nobody.", id="jobs.E050")
        if name not in known:
            yield Warning(
                f"JOBS_VENDORS names {name!r}, which no task has as its vendor.",
                hint="Check the spelling; its limits bind nobody.",
                id="jobs.W051",
            )


def _limits(tasks: list[type[IdempotentTask]]) -> Iterator[CheckMessage]:
    for task in tasks:
        soft, hard = task.limits()
        if soft and hard and soft >= hard:
            yield Error(
                f"{task.name}: soft_time_limit ({soft:g} s) is not below time_limit ({hard:g} s).",
                hint="Leave the body time to clean up between the two.",
                id="jobs.E004",
            )
    lease = conf.lease().total_seconds()
    above = [t.name for t in tasks if (t.limits()[1] or lease + 1) > lease]
    if above:
        yield Warning(
            f"The time_limit of {', '.join(above)} is above the lease ({lease:g} s), or there is none.",
            hint="Code that holds the interpreter's lock past the lease loses its job to another worker. "
            "Raise JOBS_LEASE or lower time_limit.",
            id="jobs.W005",
        )


def _classifiers() -> Iterator[CheckMessage]:
    for path in conf.classifiers():
        try:
            taxonomy.load(path)
        except Exception as error:  # noqa: BLE001 - a class of the project may raise anything
            yield Error(
                f"JOBS_CLASSIFIERS: {path!r} cannot be used: {error}.",
                hint="Name a class without arguments, or an object, that has a method classify(error).",
                id="jobs.E040",
            )


def _policies(tasks: list[type[IdempotentTask]]) -> Iterator[CheckMessage]:
    for task in tasks:
        policy: Any = task.retry_policy
        if isinstance(policy, RetryPolicy):
            yield from _room(task.name, policy)
        else:
            yield Error(
                f"{task.name}: retry_policy is {policy!r}.", hint="Give it a jobs.RetryPolicy(…).", id="jobs.E041"
            )
        classify: Any = task.classify
        if not callable(classify):
            yield Error(
                f"{task.name}: classify is {classify!r}.", hint="Make it a method (self, error).", id="jobs.E042"
            )


def _room(task: str, policy: RetryPolicy) -> Iterator[CheckMessage]:
    room = room_within_deadline(policy)
    if room < policy.max_attempts:
        yield Warning(
            f"{task}: the deadline of its retry_policy ({policy.deadline}) leaves room for {room} of "
            f"{policy.max_attempts} attempts, however its waits fall.",
            hint=f"Look at `manage.py jobs plan-retries {task}`. Raise deadline, or lower base or max_attempts.",
            id="jobs.W043",
        )
