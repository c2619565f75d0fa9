"""Every program of the demo: how it is started and how one sees that it works."""

import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from config.demo import profile
from config.demo.place import Place

CHECKOUT = Path(__file__).resolve().parent.parent.parent
MANAGE = (sys.executable, "manage.py")
CELERY = (sys.executable, "-m", "celery", "-A", "config")

# Children per pool. A sync waits for the vendor most of the time, an import never does.
POOLS = {"critical": 1, "default": 1, "billing-sync": 4, "bulk-import": 1}
VICTIM = "billing-sync"
VENDOR = "vendor"


@dataclass(frozen=True)
class Program:
    """One child of the demo."""

    name: str
    command: tuple[str, ...]
    # Given the program's log: whether it is at work. None: it is from its start.
    ready: Callable[[Path], bool] | None = None


def early(place: Place, seed: int) -> list[Program]:
    """Programs that need no tables: they start while the database is being migrated."""
    return [vendor(place, seed), flower(place)]


def late(place: Place) -> list[Program]:
    """Programs that need the tables, the slowest to start first."""
    pools = [worker(queue, children) for queue, children in POOLS.items()]
    relay = Program("relay", (*MANAGE, "jobs", "relay"), says("relay: ready"))
    beat = Program("beat", (*CELERY, "beat", "-S", "django", "--loglevel", "info", "--pidfile", ""))
    return [*pools, relay, web(place), beat]


def worker(queue: str, children: int) -> Program:
    """One pool for one queue, so that no queue can starve another."""
    options = ("-Q", queue, "-n", f"{queue}@%h", "-c", str(children), "-I", "config.demo.leash", "--loglevel", "info")
    return Program(queue, (*CELERY, "worker", *options), says(" ready."))


def vendor(place: Place, seed: int) -> Program:
    """The billing vendor, with every fault it can have."""
    longest = profile.LONGEST_RETRY_AFTER.total_seconds()
    options = {
        "port": place.vendor_port,
        "ledger": place.ledger,
        "api-key": place.vendor_key,
        "seed": seed,
        "faults": "demo",
        "retry-after-max": longest,
    }
    command = (*MANAGE, "vendor_simulator", *(f"--{name}={value}" for name, value in options.items()))
    return Program(VENDOR, command, listens(place.vendor_port))


def flower(place: Place) -> Program:
    """Flower; its settings come from the environment, where a password is not shown to everybody."""
    return Program("flower", (*CELERY, "flower"), listens(place.flower_port))


def web(place: Place) -> Program:
    """The web process with Django admin."""
    command = (sys.executable, "-m", "gunicorn", "config.wsgi", "-c", "python:config.demo.web")
    return Program("web", command, listens(place.web_port))


def says(text: str) -> Callable[[Path], bool]:
    """Return a test for a log that holds `text`."""
    return lambda log: text in log.read_text(errors="replace")


def listens(port: int) -> Callable[[Path], bool]:
    """Return a test for a loopback port that accepts connections."""

    def connects(_log: Path) -> bool:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            return False
        return True

    return connects
