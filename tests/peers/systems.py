"""The systems that are compared, each set up as its own documents say; the projects name the page."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from tests.peers.environments import python_of, versions_of

LEASE = 2  # seconds, where a system has one that can be set


def celery_worker(app: str, *options: str) -> tuple[str, ...]:
    return ("-m", "celery", "-A", app, "worker", "-c", "1", "-n", "worker-{number}@%h", "--loglevel", "INFO",
            "--without-mingle", "--without-gossip", *options)  # fmt: skip


def django(*words: str) -> tuple[str, ...]:
    return ("-m", "django", *words)


def settings(project: str) -> dict[str, str]:
    return {"DJANGO_SETTINGS_MODULE": f"{project}.settings"}


@dataclass(frozen=True)
class System:
    """How a system is installed and run.

    Args:
        requirements: pip's; none for ours, which runs in this environment.
        worker, helpers: arguments of its Python, for one worker and for what has to run beside it.
        ready: what a worker's log says once it takes jobs.
        queue: the list in Redis that holds its messages; None where there is no broker.
        hints: its messages stand for many jobs each.
        ends: states that nobody but a person leaves.
        lacks: scenarios that it has no feature for, each with the reason.
    """

    name: str
    project: str
    package: str
    requirements: Sequence[str]
    worker: Sequence[str]
    ready: str
    helpers: Sequence[Sequence[str]] = ()
    queue: str | None = None
    hints: bool = False
    ends: frozenset[str] = frozenset()
    environment: Mapping[str, str] = field(default_factory=dict)
    lacks: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def python(self) -> Path:
        """Its interpreter; asking for it the first time installs the system."""
        return python_of(self.project, self.requirements) if self.requirements else Path(sys.executable)

    @property
    def label(self) -> str:
        if not self.requirements:
            return self.name
        return f"{self.name} {versions_of(self.python, [self.package])[self.package]}"


NO_BROKER = "no broker: its jobs are rows"
NO_KEY = "no key that would make two requests the same work"
NO_REPLAY = "no replay action in the admin"
NO_TRANSACTION = "does not take part in the caller's transaction"
RESURRECTOR = "from relier.cli.main import app; app(['run-resurrector'])"  # as its program `rl` does
CELERY = ("celery[redis]==5.7.0", "psycopg[binary]==3.3.9")
DJANGO = ("django==5.2.19", "psycopg[binary]==3.3.9")

OURS = System(
    name="ours",
    project="ours",
    package="celery-idempotent-jobs",
    requirements=(),
    worker=celery_worker("ours.celery_app", "-Q", "default"),
    ready=" ready.",
    helpers=(django("jobs", "relay"),),
    queue="default",
    hints=True,
    ends=frozenset({"succeeded", "failed_permanent", "dead_lettered"}),
    environment=settings("ours") | {"PEERS_LEASE": str(LEASE)},
)
PROCRASTINATE = System(
    name="procrastinate",
    project="procrastinate_project",
    package="procrastinate",
    requirements=("procrastinate[django]==3.10.0", *DJANGO),
    worker=django("procrastinate", "worker"),
    ready="Launching a worker",
    ends=frozenset({"succeeded", "failed", "cancelled", "aborted"}),
    environment=settings("procrastinate_project"),
    lacks={"broker": NO_BROKER, "broker-disk": NO_BROKER},
)
# Its manual has the user write a periodic task that retries what stalled; this one runs every ten seconds.
PROCRASTINATE_RETRYING = replace(
    PROCRASTINATE,
    name="procrastinate-retrying",
    environment=settings("procrastinate_project") | {"PEERS_RETRY_STALLED": "1"},
    lacks=dict.fromkeys(("broker", "broker-disk", "long", "replay", "duplicate"), "as without it"),
)
PEERS = (
    System(
        name="django-celery-outbox",
        project="outbox",
        package="django-celery-outbox",
        requirements=("django-celery-outbox==0.4.3", *CELERY, *DJANGO),
        worker=celery_worker("outbox.celery_app"),
        ready=" ready.",
        helpers=(django("celery_outbox_relay"),),
        queue="celery",
        environment=settings("outbox"),
        lacks={"key": NO_KEY, "duplicate": NO_KEY},
    ),
    System(
        name="celery-singleton",
        project="singleton",
        package="celery-singleton",
        requirements=("celery-singleton==0.3.1", *CELERY),
        worker=celery_worker("singleton.celery_app"),
        ready=" ready.",
        queue="celery",
        ends=frozenset({"SUCCESS", "FAILURE"}),
        lacks={"replay": NO_REPLAY, "duplicate": NO_TRANSACTION},
    ),
    PROCRASTINATE,
    PROCRASTINATE_RETRYING,
    System(
        name="django-tasks-db",
        project="tasks_db",
        package="django-tasks-db",
        requirements=("django-tasks-db==0.13.0", "django-tasks==0.12.0", *DJANGO),
        worker=django("db_worker", "--verbosity", "3"),
        ready="Starting worker",
        ends=frozenset({"SUCCESSFUL", "FAILED"}),
        environment=settings("tasks_db"),
        lacks={"broker": NO_BROKER, "broker-disk": NO_BROKER, "key": NO_KEY, "replay": NO_REPLAY, "duplicate": NO_KEY},
    ),
    System(
        name="relier",
        project="relier_project",
        package="relier",
        requirements=("relier==0.1.7", *CELERY),
        worker=celery_worker("relier.tasks.app", "-Q", "default,re-queue", "--include=relier_project.tasks"),
        ready=" ready.",
        helpers=(("-c", RESURRECTOR),),
        queue="default",
        ends=frozenset({"in its DLQ"}),
        environment={"RELIER_HEARTBEAT_TTL": "4", "RELIER_SECRET_KEY": "for tests alone"},
        lacks={"key": "its key works when a job runs, not when it is asked for", "replay": NO_REPLAY,
               "duplicate": NO_TRANSACTION},
    ),
)  # fmt: skip
ALL = (OURS, *PEERS)
