"""The settings of this package, all named `JOBS_…`, with their defaults and the argument for each."""

from collections.abc import Mapping
from datetime import timedelta
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from django.conf import settings
from django.core.signals import setting_changed

CRITICAL = "critical"
CRITICALITIES = (CRITICAL, "normal", "bulk")
REFUSE, HOLD = "refuse", "hold"
WHEN_FULL = (REFUSE, HOLD)
CRITICAL_DEADLINE = timedelta(minutes=10)  # from then on somebody is woken for one job


@cache  # a lazy settings object costs a microsecond a look, and a job takes several
def _get(name: str, default: Any) -> Any:
    return getattr(settings, f"JOBS_{name}", default)


def _forget(**_: Any) -> None:
    _get.cache_clear()


setting_changed.connect(_forget)


def queues() -> Mapping[str, Mapping[str, Any]]:
    """Every queue that may be used, by name, with its owner, criticality, latency target, bound and `when_full`."""
    declared: Mapping[str, Mapping[str, Any]] = _get("QUEUES", None) or {"default": {}}
    return declared


def vendors() -> Mapping[str, Mapping[str, Any]]:
    """What each vendor allows, by name: see `jobs.vendors`."""
    declared: Mapping[str, Mapping[str, Any]] = _get("VENDORS", None) or {}
    return declared


def bound(queue: str) -> int | None:
    """Jobs that may wait in the queue before it is full; None: any number. A critical queue is never full."""
    options = queues().get(queue, {})
    return None if options.get("criticality") == CRITICAL else options.get("bound")


def criticality(queue: str) -> str:
    """One of CRITICALITIES."""
    return str(queues().get(queue, {}).get("criticality", CRITICALITIES[1]))


def deadline(queue: str) -> timedelta | None:
    """How long after a job was due it may succeed and still be in time; None: whenever. What is critical has one."""
    options = queues().get(queue, {})
    found: timedelta | None = options.get("deadline")
    return CRITICAL_DEADLINE if found is None and options.get("criticality") == CRITICAL else found


def slo() -> float:
    """The share of critical jobs that succeed before their deadline, over a month; alerts say when it will be less."""
    return float(_get("SLO", 0.995))


def holds(queue: str) -> bool:
    """Whether a full queue accepts jobs and holds them back, instead of refusing them."""
    return bool(queues().get(queue, {}).get("when_full") == HOLD)


def lease() -> timedelta:
    """How long a claim holds without being renewed: how long a job waits when its whole worker dies."""
    span: timedelta = _get("LEASE", timedelta(seconds=60))
    return span


def time_limits() -> tuple[float, float]:
    """Soft and hard limit, seconds, of tasks that name none. Below the lease: see `checks`."""
    soft, hard = _get("TIME_LIMITS", (25, 30))
    return soft, hard


def batch_time_limit() -> float:
    """Seconds; a task that may run longer is claimed alone, so that no batch-mate waits for it."""
    return float(_get("BATCH_TIME_LIMIT", 30))


def batch_size() -> int:
    """Records that one claim takes at most; beyond 200 the statement itself grows slower than the gain."""
    return min(int(_get("BATCH_SIZE", 200)), 200)


def hint_window() -> int:
    """Hints that may wait in one queue: broker memory is bounded by it whatever the backlog."""
    return int(_get("HINT_WINDOW", 1000))


def relay_interval() -> float:
    """Seconds between two looks at the backlog: the longest delay that a lost hint can cause."""
    span: timedelta = _get("RELAY_INTERVAL", timedelta(milliseconds=250))
    return span.total_seconds()


def max_payload() -> int:
    """Bytes of JSON; a payload names its data and does not carry it."""
    return int(_get("MAX_PAYLOAD", 256 * 1024))


def pause_alert() -> timedelta:
    """How long a vendor's queue may be unwell before somebody is told: a vendor's hiccup is over by then."""
    span: timedelta = _get("PAUSE_ALERT", timedelta(minutes=10))
    return span


def max_pause() -> timedelta:
    """The longest pause a vendor's Retry-After can cause: beyond it a person should look."""
    span: timedelta = _get("MAX_PAUSE", timedelta(hours=1))
    return span


def retention() -> timedelta:
    """How long a succeeded record keeps payload and result: a quarter and a few days, for the questions about it."""
    span: timedelta = _get("RETENTION", timedelta(days=92))
    return span


def schedule_grace() -> timedelta:
    """How late a tick is still on time: a deploy restarts all beats within it, and no outage is as short."""
    span: timedelta = _get("SCHEDULE_GRACE", timedelta(seconds=60))
    return span


def clock_tolerance() -> timedelta:
    """How wrong a machine's clock may be before somebody is told; jobs and ticks go by the database's all the same."""
    span: timedelta = _get("CLOCK_TOLERANCE", timedelta(seconds=10))
    return span


def adopt_unrecorded() -> bool:
    """Whether a raw Celery message of one of our tasks becomes a record (for migrations) or is refused."""
    return bool(_get("ADOPT_UNRECORDED", False))


def classifiers() -> tuple[str, ...]:
    """Dotted paths of classifiers that are asked about every task's errors, in this order."""
    paths = _get("CLASSIFIERS", ())
    return (paths,) if isinstance(paths, str) else tuple(paths)


def needs_second(what: str) -> bool:
    """Whether a second person has to approve this: "bulk" replays, or an "edit" of a payload."""
    return what in _get("SECOND_APPROVER", ())


def links() -> Mapping[str, str]:
    """Where else to look at a job, as name → URL with {id}, {task}, {queue}, {incident}, {key} to be filled in."""
    found: Mapping[str, str] = _get("LINKS", None) or {}
    return found


def snapshot_every() -> timedelta:
    """How old the metrics may be: whoever asks more often is told the same."""
    span: timedelta = _get("SNAPSHOT_EVERY", timedelta(seconds=15))
    return span


def release() -> str:
    """What charts call this code: a tag or a commit; else the version of this package."""
    return str(_get("RELEASE", None) or _version())


def _version() -> str:
    try:
        return version("celery-idempotent-jobs")
    except PackageNotFoundError:  # run from its source
        return "source"


def long_transaction() -> timedelta:
    """How long a transaction may be open before somebody is told: dead rows of an hour make claims slower."""
    span: timedelta = _get("LONG_TRANSACTION", timedelta(hours=1))
    return span


def runbooks() -> str:
    """Where the runbooks are, for links in alerts: an address that ends with a slash."""
    return str(_get("RUNBOOKS", "runbooks/"))


def alert_mail() -> tuple[str, ...]:
    """Whom `manage.py jobs watch` mails when an alert fires or ends; none by default."""
    told = _get("ALERT_MAIL", ())
    return (told,) if isinstance(told, str) else tuple(told)


def alert_webhook() -> str | None:
    """Where it posts the same as JSON."""
    found: str | None = _get("ALERT_WEBHOOK", None)
    return found
