"""The processes of a sweep: forked, so that a run costs no import, and really killed and really stopped."""

import ctypes
import gc
import json
import os
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from enum import StrEnum
from typing import Any, NoReturn, Self

from billiard import util
from django.db import connections

from jobs import hints
from jobs.testing import hooks
from jobs.testing.boundaries import Boundary, Fate, Kind, Watch, watch_this_process
from jobs.worker.hint import forget_child

Role = Callable[[Watch], None]
PATIENCE = 60.0  # seconds; a process that takes longer hangs
POLL = 0.001  # seconds
LOOK_FOR_LOCKS = 0.02  # seconds between two looks whether a process waits for a lock
PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None)

_inherited: list[Any] = []


class Ending(StrEnum):
    ENDED = "ended"
    KILLED = "killed"
    STOPPED = "stopped"
    WAITS_FOR_LOCK = "waits for a lock"
    HANGS = "hangs"


class Actor:
    """One process that plays a role. What it told is known whatever became of it."""

    def __init__(self, role: Role, fate: Fate | None = None, also: tuple[str, ...] = ()) -> None:
        self._file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 - closed with the process
        self._gone = False
        self.ending: Ending | None = None
        parent = os.getpid()
        self.pid = os.fork()
        if self.pid == 0:
            _play(role, Watch(self._file.fileno(), fate), also, parent)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        self._file.close()

    def kill(self) -> None:
        """Whatever it is doing."""
        if not self._gone:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
            self._gone = True

    def wait(self, waits_for_lock: Callable[[], bool] | None = None) -> Ending:
        """How it ends, or that it does not go on by itself; kept as `ending`."""
        self.ending = self._wait(waits_for_lock)
        return self.ending

    def _wait(self, waits_for_lock: Callable[[], bool] | None) -> Ending:
        began = looked = time.monotonic()
        while (now := time.monotonic()) - began < PATIENCE:
            pid, status = os.waitpid(self.pid, os.WNOHANG | os.WUNTRACED)
            if pid:
                return self._ending(status)
            if waits_for_lock and now - looked > LOOK_FOR_LOCKS:
                looked = now
                if waits_for_lock():
                    return Ending.WAITS_FOR_LOCK
            time.sleep(POLL)
        return Ending.HANGS

    def _ending(self, status: int) -> Ending:
        if os.WIFSTOPPED(status):
            return Ending.STOPPED
        self._gone = True
        killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
        return Ending.KILLED if killed else Ending.ENDED

    def go_on(self) -> None:
        """Wake it up where it was stopped."""
        os.kill(self.pid, signal.SIGCONT)

    def told(self) -> list[dict[str, Any]]:
        size = os.fstat(self._file.fileno()).st_size
        return [json.loads(line) for line in os.pread(self._file.fileno(), size, 0).splitlines()]

    def boundaries(self) -> tuple[Boundary, ...]:
        """Those it came to, in order; the last may not have been crossed."""
        return tuple(Boundary(Kind(t["kind"]), t["name"]) for t in self.told() if "kind" in t)

    def all_told(self, name: str) -> list[Any]:
        return [t[name] for t in self.told() if name in t]


def _play(role: Role, watch: Watch, also: tuple[str, ...], parent: int) -> NoReturn:
    code = 1
    try:
        _become_a_new_process(parent)
        hooks.install(watch, also)
        watch_this_process(watch)
        role(watch)
        code = 0
    except BaseException:  # noqa: BLE001 - told, and judged by the sweep
        watch.tell(error=traceback.format_exc())
    finally:
        os._exit(code)  # nothing of the caller's test may run here


def _become_a_new_process(parent: int) -> None:
    """Forget what belongs to the process that was forked: its connections, and what it knew of the broker."""
    if sys.platform == "linux":  # a stopped process must not outlive a killed test
        LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)
    gc.freeze()  # collecting what was inherited would copy its memory
    for connection in connections.all(initialized_only=True):
        _inherited.append(connection)  # closing it here would end the session of the process that owns it
        del connections[connection.alias]
    util._run_after_forkers()  # type: ignore[attr-defined]  # noqa: SLF001 - as in a worker's child, which billiard forks
    hints._silent_until.clear()  # noqa: SLF001 - a new process has not looked at the broker yet
    hints._since_look.clear()  # noqa: SLF001
    forget_child()
