"""PostgreSQL on a disk that is really full: the records' table lies on a file system without a free byte."""

import os
from pathlib import Path

import psycopg
import pytest
from django.db import OperationalError

from tests.app.tasks import Mark, WaitForFile
from tests.runbooks import acts
from tests.runbooks.small_disk import CannotMountError, SmallDisk
from tests.runbooks.stack import Stack
from tests.servers.session import NOT_HERE

MOVE = "ALTER TABLE idempotency_record SET TABLESPACE {}"
SPACE = "runbook_small"
ENOUGH = 10_000  # jobs: far more than the page that was begun takes


class FullDisk:
    """The small disk and the tablespace on it, for as long as the scenario lasts."""

    def __init__(self, stack: Stack) -> None:
        self._url = stack.environment["DATABASE_URL"]
        try:
            self.disk = SmallDisk(stack.place / "small")
        except CannotMountError as error:
            pytest.skip(f"{NOT_HERE} a small file system to fill: {error}")
        try:
            self._move_there()
        except BaseException:
            self.close()
            raise

    def _move_there(self) -> None:
        home = self.disk.path / "tablespace"
        home.mkdir(mode=0o700)
        with psycopg.connect(self._url, autocommit=True) as connection:
            (data,) = connection.execute("SHOW data_directory").fetchone()
            if os.geteuid() == 0:
                server = Path(data).stat()
                os.chown(home, server.st_uid, server.st_gid)
            connection.execute(f"CREATE TABLESPACE {SPACE} LOCATION '{home}'")
            connection.execute(MOVE.format(SPACE))

    def close(self) -> None:
        self.disk.free()
        with psycopg.connect(self._url, autocommit=True) as connection:
            connection.execute(MOVE.format("pg_default"))
            connection.execute(f"DROP TABLESPACE IF EXISTS {SPACE}")
        self.disk.close()


def a_full_disk(stack: Stack) -> None:
    """While one job runs and others wait; the next callers are refused, whole."""
    stack.systemctl("start", "jobs-relay")
    stack.systemctl("start", "jobs-worker@default")
    WaitForFile.enqueue(name="in hand", path=str(stack.place / "go"))
    acts.seen("SELECT count(*) FROM idempotency_record WHERE state = 'processing'")
    full = FullDisk(stack)
    stack.open.append(full)
    full.disk.fill()
    accepted = _enqueue_until_refused()
    acts.seen("SELECT count(*)::int FROM idempotency_record", accepted + 1)
    (stack.place / "go").touch()


def _enqueue_until_refused() -> int:
    """Returns how many jobs the last free pages took."""
    for number in range(ENOUGH):
        try:
            Mark.enqueue(name=f"n{number}")
        except OperationalError as refused:
            if not isinstance(refused.__cause__, psycopg.errors.DiskFull):
                raise
            return number
    raise AssertionError("the disk is not full")


def space(stack: Stack) -> None:
    """A person's part: it is there again."""
    (full,) = stack.open
    full.disk.free()
