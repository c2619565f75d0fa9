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
CHILDREN = {"critical": 1, "default": 1, "billing-sync": 6, "bulk-import": 1}
# Every fault there is, but less often those that pause the whole queue for a second: most of a run would be waiting.
FAULTS = "demo,rate_limited=0.003,server_error=0.012"
VICTIM = "billing-sync"
VENDOR = "vendor"


@dataclass(frozen=True)
class Program:
    """One child of the demo."""

    name: str
    command: tuple[str, ...]
    # Given what the program has logged since it was started: whether it is at work.
    ready: Callable[[str], bool]


def first(place: Place, seed: int) -> list[Program]:
    """Programs that need no tables: they come up while these are made."""
    return [vendor(place, seed)]


def urgent() -> list[Program]:
    """Programs without which no work moves, the slowest to start first."""
    return [pool("bulk-import"), pool("billing-sync"), relay()]


def others(place: Place) -> list[Program]:
    """Programs that may come up while the first are at work: nine at once would keep each other waiting."""
    return [pool("critical"), web(place), flower(place), beat(), pool("default")]


def pool(queue: str) -> Program:
    """One pool for one queue, so that no queue can starve another."""
    options = ("-Q", queue, "-n", f"{queue}@%h", "-c", str(CHILDREN[queue]), "--loglevel", "info")
    return Program(queue, (*CELERY, "worker", *options, "-I", "config.demo.leash"), says(" ready."))


def relay() -> Program:
    """The one process that jobs need beside workers."""
    return Program("relay", (*MANAGE, "jobs", "relay"), says("relay: ready"))


def beat() -> Program:
    """Celery beat with our scheduler."""
    command = (*CELERY, "beat", "--loglevel", "info", "--pidfile", "")
    return Program("beat", command, says("beat: Starting"))


def vendor(place: Place, seed: int) -> Program:
    """The billing vendor, with every fault it can have."""
    longest = profile.LONGEST_RETRY_AFTER.total_seconds()
    options = {
        "port": place.vendor_port,
        "ledger": place.ledger,
        "api-key": place.vendor_key,
        "seed": seed,
        "faults": FAULTS,
        "retry-after-max": longest,
    }
    command = (*MANAGE, "vendor_simulator", *(f"--{name}={value}" for name, value in options.items()))
    return Program(VENDOR, command, listens(place.vendor_port))


def flower(place: Place) -> Program:
    """Flower; its settings come from the environment, where a password is not shown to everybody."""
    options = ("--conf=deploy/flower/viewer.py", f"--port={place.flower_port}")
    return Program("flower", (*CELERY, "flower", *options), listens(place.flower_port))


def web(place: Place) -> Program:
    """The web process with Django admin."""
    command = (sys.executable, "-m", "gunicorn", "config.wsgi", "-c", "python:config.demo.web")
    return Program("web", command, listens(place.web_port))


def says(text: str) -> Callable[[str], bool]:
    """Return a test for a log that holds `text`."""
    return lambda log: text in log


def listens(port: int) -> Callable[[str], bool]:
    """Return a test for a loopback port that accepts connections."""

    def connects(_log: str) -> bool:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            return False
        return True

    return connects
