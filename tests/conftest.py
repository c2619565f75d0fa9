"""Servers and programs for tests; every fixture here can be used by any test.

One PostgreSQL serves the whole run and each pytest process has a database in it; each pytest process has a broker of
its own, because FLUSHALL and SIGKILL are tests here. `JOBS_TEST_SERVERS=debian` takes Debian's servers instead of the
wheels' ones, `JOBS_TEST_BROKER=rabbitmq` a RabbitMQ instead of a Redis. `DATABASE_URL`, when set, is used as it is.
"""

import os
import secrets
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote, urlsplit

import hypothesis
import psycopg
import pytest
from django.conf import settings

from config.embedded.children import die_with_parent
from tests.processes import Program, Programs, wait_until
from tests.servers.broker import Broker
from tests.servers.session import NOT_HERE, Servers, database_settings, with_database
from tests.servers.wire import Wire

# A shared machine has no deadlines, and who changes nothing must see nothing new: the same examples each time. Others
# are looked for with TESTS_RANDOM=1.
hypothesis.settings.register_profile(
    "project",
    deadline=None,
    derandomize="TESTS_RANDOM" not in os.environ,
    print_blob=True,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("project")
SERVERS = pytest.StashKey[Servers]()
PROGRAMS = pytest.StashKey[Programs]()
AT_WORK = """SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state = 'active'
    AND backend_type = 'client backend' AND pid <> pg_backend_pid()"""
LONGEST = {"test_chaos.py", "test_debian_servers.py", "test_newest_django.py", "test_rabbitmq.py"}
# What asks whether anything is lost or doubled may have been late, but is believed the first time.
BELIEVED = {"chaos", "crash", "explorer", "mutants", "property", "sweep"}
LATE = ["not so within", "TimeoutExpired"]
PROGRAMS_OF_ANY_KIND = {"programs", "live_server", "browser"}


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    servers = config.stash[SERVERS] = Servers()
    config.add_cleanup(servers.stop)
    if config.option.collectonly:
        return
    # xdist's processes must agree on the order of a set, or they find different tests.
    os.environ.setdefault("PYTHONHASHSEED", str(secrets.randbelow(2**32)))
    if hasattr(config, "workerinput"):  # one of xdist's
        die_with_parent()
    elif not config.option.basetemp:
        config.option.basetemp = servers.place() / "pytest"
    if "DATABASE_URL" not in os.environ:
        os.environ["DATABASE_URL"] = servers.start_postgres()
    settings.DATABASES["default"] |= database_settings(os.environ["DATABASE_URL"])
    if not getattr(config.option, "numprocesses", None):  # the controller of other processes runs no test itself
        settings.CELERY_BROKER_URL = os.environ["BROKER_URL"] = servers.start_broker().url


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest tests first: one that begins last keeps a core waiting.

    What waits for real programs may run once more where a busy machine made them late; the summary names it (RERUN).
    """
    items.sort(key=lambda item: item.path.name not in LONGEST)
    for item in items:
        folders = set(item.path.relative_to(item.config.rootpath).parts)
        if PROGRAMS_OF_ANY_KIND & set(item.fixturenames):
            item.add_marker(pytest.mark.flaky(reruns=1, only_rerun=LATE if BELIEVED & folders else None))


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Bytes are no name: a compressed file holds the time, and xdist's processes must agree on every test's name."""
    return argname if isinstance(val, bytes) else None


def pytest_report_header(config: pytest.Config) -> str:
    servers = config.stash[SERVERS]
    hash_seed = os.environ["PYTHONHASHSEED"]
    return f"on {servers.kind}'s servers, the broker is {servers.broker_kind}, PYTHONHASHSEED={hash_seed}"


@pytest.fixture(scope="session")
def django_db_keepdb() -> bool:
    """The database goes with its server; dropping it first would only wait for a worker's last connection."""
    return True


@pytest.fixture
def environment(database: str, broker: Broker, tmp_path: Path) -> dict[str, str]:
    """The environment of programs: they see this test's database (committed rows alone), broker and settings."""
    return {
        **os.environ,
        "DATABASE_URL": database,
        "BROKER_URL": broker.url,
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "PYTHONUNBUFFERED": "1",
        "TMPDIR": str(tmp_path),  # a killed program leaves its files where the test's own go
    }


@pytest.fixture
def database(transactional_db: None) -> str:
    """The URL of this process's test database. What the test writes is committed, and emptied out after the test."""
    return with_database(os.environ["DATABASE_URL"], settings.DATABASES["default"]["NAME"])


@pytest.fixture
def broker(pytestconfig: pytest.Config) -> Iterator[Broker]:
    """This process's own broker, empty: `url`, `flush()`, `kill()`, `restart()`, `stop()`, `length(queue)`."""
    broker = pytestconfig.stash[SERVERS].broker
    assert broker, "no broker in xdist's controller"
    broker.flush()
    forget_broker()
    yield broker
    broker.restore()


def forget_broker() -> None:
    """What this process knows of the broker it knows from another test: that it was away, or how full it was."""
    from jobs import hints

    for memory in (hints._silent_until, hints._since_look, hints._unconfirmed):
        memory.clear()


@pytest.fixture
def database_wire(database: str, pytestconfig: pytest.Config) -> Iterator[Wire]:
    """A second way to this test's database that the test can cut: `url`, `cut()`, `freeze()`, `thaw()`, `heal()`.

    Hand it to programs: `spawn_worker("default", env={"DATABASE_URL": database_wire.url})`.
    """
    here, there = pytestconfig.stash[SERVERS].place(), Path(settings.DATABASES["default"]["HOST"])
    name = ".s.PGSQL.5432"  # libpq knows a directory, and looks for this
    with Wire(there / name, here / name) as wire:
        wire.url = database.replace(quote(str(there), safe=""), quote(str(here), safe=""))
        yield wire


@pytest.fixture
def broker_wire(broker: Broker) -> Iterator[Wire]:
    """A second way to this process's broker, the same for `env={"BROKER_URL": broker_wire.url}`."""
    port = urlsplit(broker.url).port
    assert port
    with Wire(port) as wire:
        wire.url = broker.url.replace(f":{port}/", f":{wire.port}/")
        yield wire


@pytest.fixture
def programs(request: pytest.FixtureRequest, database: str, broker: Broker, tmp_path: Path) -> Iterator[Programs]:
    """Starts programs of this project and ends them after the test: `worker(…)`, `relay()`, `manage(…)`, `spawn(…)`.

    The environment is built when a program starts, so that a test may override the fixture `environment`.
    """
    janitor = request.config.stash[SERVERS].janitor
    programs = Programs(tmp_path, lambda: request.getfixturevalue("environment"), janitor)
    request.node.stash[PROGRAMS] = programs
    yield programs
    programs.end()
    wait_until(lambda: nobody_works(database), message="the last statements of killed programs end")


def nobody_works(database: str) -> bool:
    """Whether the server has done what programs asked for before they were killed: it may not write afterwards."""
    with psycopg.connect(database) as connection:
        return connection.execute(AT_WORK).fetchone() == (0,)


@pytest.fixture
def spawn_worker(programs: Programs) -> Callable[..., Program]:
    """`spawn_worker("default", concurrency=2, env={…})`: a real `celery worker`, ready. See `Programs.worker`."""
    return programs.worker


@pytest.fixture
def spawn_relay(programs: Programs) -> Callable[..., Program]:
    """`spawn_relay()`: a real `manage.py jobs relay`. See `Programs.relay`."""
    return programs.relay


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown() -> Iterator[None]:
    """A job that a test ran in this very process leaves its hard limit behind, which would kill the next test."""
    yield
    if limits := sys.modules.get("jobs.worker.limits"):
        limits.stop()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    report = yield
    if report.failed:
        for program in item.stash.get(PROGRAMS, ()):
            report.sections.append((f"log of {program.name}", program.log()[-8000:]))
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name, above the summary, what failed before pytest and what this machine could not run."""
    notes = list(filter(None, os.environ.get("JOBS_TEST_NOTES", "").splitlines()))
    skipped = [str(report.longrepr[2]) for report in terminalreporter.stats.get("skipped", []) if report.longrepr]
    reasons = {reason.partition(NOT_HERE)[2] for reason in skipped if NOT_HERE in reason}
    notes += [f"not run on this machine:{reason}" for reason in sorted(reasons)]
    if notes:
        terminalreporter.section("bin/test")
        for note in notes:
            terminalreporter.line(note)
