"""What the jobs of every system do. A row in `effect` stands for a call that no rollback takes back."""

import os
import signal
import time
from pathlib import Path

import psycopg

LONG = 7.0  # seconds


def effect(name: str) -> None:
    """Committed at once, on a connection of its own."""
    with psycopg.connect("", autocommit=True) as connection:
        connection.execute("INSERT INTO effect (name) VALUES (%s)", [name])


def hold(name: str) -> None:
    """Has its effect, then takes its time until the scenario lets it go."""
    effect(name)
    while not Path(os.environ["PEERS_GO"]).exists():
        time.sleep(0.02)  # the body's own time


def kill(name: str) -> None:
    """Has its effect, then kills the process that runs it."""
    effect(name)
    os.kill(os.getpid(), signal.SIGKILL)


def long(name: str) -> None:
    """Longer than the lease of the systems that have one."""
    effect(f"{name} began")
    time.sleep(LONG)  # the body's own time
    effect(f"{name} ended")


def fail(name: str) -> None:
    """Fails whenever it is tried."""
    effect(name)
    raise ValueError(f"{name} fails")


ALL = {body.__name__: body for body in (effect, hold, kill, long, fail)}
