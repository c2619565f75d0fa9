"""The contenders by name. The settings of the peers are the best that their own documents name for such work."""

from dataclasses import replace

from tests.benchmarks.contenders import CHILDREN, Setup
from tests.benchmarks.environment import PREPARED, SENTRY, TUNED

STOCK_SHARE = 0.1  # stock Celery drains a tenth of our jobs: a round of each then takes about as long
DJANGO = ("django==5.2.19", "psycopg[binary]==3.3.9")


def ours(name: str = "ours", *options: str, queues: str = "backlog", database: str = "ours") -> Setup:
    worker = ("-m", "celery", "-A", "config", "worker", "-c", str(CHILDREN), "-Q", queues, "-n", f"{name}@%h")
    return Setup(
        name=name,
        says="`celery worker -c 2` and one relay beside it",
        workers=((*worker, *options), ("manage.py", "jobs", "relay")),
        caller=("tests.benchmarks.peers.ours",),
        database=database,
    )


def celery(name: str = "celery", *options: str, module: str = "stock_app", share: float = STOCK_SHARE) -> Setup:
    path = f"tests.benchmarks.{module}"
    return Setup(
        name=name,
        says="`celery worker -c 2` as its first page has it, without Django, nothing durable",
        workers=(("-m", "celery", "-A", path, "worker", "-c", str(CHILDREN), *options),),
        caller=("tests.benchmarks.peers.celery", path),
        share=share,
    )


def prepared(setup: Setup) -> Setup:
    """The same where Django has PostgreSQL plan each query once."""
    return replace(setup, environment={**setup.environment, PREPARED: "1"})


EVENTS = "--task-events"
OURS, OURS_QUIET = ours("ours", EVENTS), ours("ours-quiet")
OURS_SENTRY = replace(ours("ours-sentry", EVENTS), environment={SENTRY: "1"})
CELERY = celery()
CELERY_EVENTS = replace(celery("celery-events", EVENTS), optional=True)
CELERY_SENTRY = replace(celery("celery-sentry"), environment={SENTRY: "1"})
CELERY_DJANGO = celery("celery-django", module="stock_django_app", share=STOCK_SHARE / 4)
CELERY_TUNED = replace(
    celery("celery-tuned", "--prefetch-multiplier", "128", "--without-gossip", "--without-mingle",
           "--without-heartbeat"),
    environment={TUNED: "1"},
    optional=True,
    says="prefetch multiplier 128, no rate limits, no gossip, mingle or heartbeat, transient messages, results ignored",
)  # fmt: skip
AFTER_INSERT = replace(
    CELERY,
    name="celery-after-insert",
    says="one INSERT through Django, committed, then `.delay()`",
    caller=(*CELERY.caller, "insert"),
)
PGQUEUER_WORKER = ("-m", "tests.benchmarks.peers.pgqueuer", "worker")
PGQUEUER = Setup(
    name="pgqueuer-100",
    says="two processes, asyncpg, asynchronous bodies, batches of 100, durable tables",
    workers=(PGQUEUER_WORKER,) * CHILDREN,
    caller=("tests.benchmarks.peers.pgqueuer",),
    requirements=("pgqueuer==1.6.0", "asyncpg==0.32.0"),
    database="pgqueuer",
    optional=True,
)
HUEY = Setup(
    name="huey",
    says="two processes on Redis, no results; a job taken is a job lost if its worker dies",
    workers=(("-m", "huey.bin.huey_consumer", "tests.benchmarks.peers.huey.app", "-k", "process", "-w",
              str(CHILDREN), "-n", "-q"),),
    caller=("tests.benchmarks.peers.huey",),
    requirements=("huey==3.5.4", "redis==8.1.0"),
    share=0.3,
    optional=True,
)  # fmt: skip
DRAMATIQ = Setup(
    name="dramatiq",
    says="two processes of eight threads on Redis, default middleware",
    workers=(("-m", "dramatiq", "tests.benchmarks.peers.dramatiq", "--processes", str(CHILDREN), "--threads", "8"),),
    caller=("tests.benchmarks.peers.dramatiq",),
    requirements=("dramatiq[redis]==2.2.1",),
    share=0.2,
    optional=True,
)
PROCRASTINATE = Setup(
    name="procrastinate",
    says="two workers of ten asynchronous jobs at a time",
    workers=(("-m", "tests.benchmarks.peers.procrastinate", "worker"),) * CHILDREN,
    caller=("tests.benchmarks.peers.procrastinate",),
    requirements=("procrastinate==3.10.0", "psycopg[binary]==3.3.9"),
    share=0.03,
    database="procrastinate",
    optional=True,
)
TASKS_DB = Setup(
    name="django-tasks-db",
    says="two `db_worker` processes, connections kept",
    workers=(("-m", "django", "db_worker"),) * CHILDREN,
    caller=("tests.benchmarks.peers.tasks_db",),
    requirements=("django-tasks-db==0.13.0", "django-tasks==0.12.0", *DJANGO),
    share=0.02,
    database="tasks_db",
    optional=True,
    environment={"DJANGO_SETTINGS_MODULE": "tests.benchmarks.peers.tasks_db_settings"},
)
Q2 = Setup(
    name="django-q2",
    says="two workers on Redis, successes not kept",
    workers=(("-m", "django", "qcluster"),),
    caller=("tests.benchmarks.peers.q2",),
    requirements=("django-q2==1.11.1", "redis==8.1.0", *DJANGO),
    share=0.1,
    database="q2",
    optional=True,
    environment={"DJANGO_SETTINGS_MODULE": "tests.benchmarks.peers.q2_settings"},
)
# oban (for Python) needs Python 3.12, this project runs on 3.11.
MAIN = (CELERY, CELERY_TUNED, PGQUEUER)
OTHERS = (HUEY, DRAMATIQ, PROCRASTINATE, TASKS_DB, Q2)
OPTIONAL = {setup.name: setup for setup in (*MAIN, CELERY_EVENTS, *OTHERS) if setup.optional}
