"""Soft and hard time limits of one job, kept by the process that runs it.

Celery's own are timers of the parent for a whole message; here one message leads to many jobs, and a timer of the
parent does not fire while it reconnects to the broker.
"""

import ctypes
import os
import signal
import time
from threading import get_ident, main_thread
from types import FrameType

from celery.exceptions import SoftTimeLimitExceeded

CLOCK_MONOTONIC = 1
SIGEV_SIGNAL = 0


class _Timespec(ctypes.Structure):
    _fields_ = (("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long))


class _Timer(ctypes.Structure):
    _fields_ = (("interval", _Timespec), ("value", _Timespec))


class _Event(ctypes.Structure):
    _fields_ = (
        ("value", ctypes.c_void_p),
        ("signal", ctypes.c_int),
        ("notify", ctypes.c_int),
        ("padding", ctypes.c_char * 64),
    )


class _HardLimit:
    """A kernel timer that kills this process: it fires even while C code holds the interpreter's lock."""

    def __init__(self) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._timer = ctypes.c_void_p()
        self._seconds, self._set_at = 0.0, 0.0
        event = _Event(signal=signal.SIGKILL, notify=SIGEV_SIGNAL)
        if self._libc.timer_create(CLOCK_MONOTONIC, ctypes.byref(event), ctypes.byref(self._timer)):
            raise OSError(ctypes.get_errno(), "timer_create")

    def keep(self, seconds: float) -> None:
        """Kill after `seconds`, or up to a tenth later: so most jobs of a batch cost no system call."""
        now = time.monotonic()
        slack = min(seconds / 10, 1.0)
        if seconds != self._seconds or now - self._set_at > slack:
            self.set(seconds + slack)
            self._seconds, self._set_at = seconds, now

    def set(self, seconds: float) -> None:
        """Kill in `seconds`; 0 disarms."""
        self._seconds = 0.0
        whole = int(seconds)
        value = _Timer(value=_Timespec(whole, int((seconds - whole) * 1e9)))
        self._libc.timer_settime(self._timer, 0, ctypes.byref(value), None)


_main = main_thread().ident
_armed = False
_hard: _HardLimit | None = None
_installed = False


def arm(soft: float | None, hard: float | None) -> None:
    """Raise `SoftTimeLimitExceeded` in the body after `soft` seconds and kill the process after `hard`.

    Only the main thread can be interrupted; elsewhere (a test that runs a job in a thread) there are no limits. Whoever
    calls it calls `disarm_soft` when the body has ended, however that was.
    """
    global _armed
    if get_ident() != _main:
        return
    if hard:
        _hard_limit().keep(hard)
    if soft:
        _install()
        _armed = True
        signal.setitimer(signal.ITIMER_REAL, soft)


def disarm_soft() -> None:
    """From here on a late signal raises nothing: what follows the body must not be torn.

    The timer itself runs on: the next job sets it anew, or the batch ends and stops it.
    """
    global _armed
    if _armed and get_ident() == _main:
        _armed = False


def stop() -> None:
    """When the last job of a batch is settled; between two jobs the next one's limits replace the old."""
    if _installed:
        signal.setitimer(signal.ITIMER_REAL, 0)
    if _hard:
        _hard.set(0)


def _hard_limit() -> _HardLimit:
    global _hard
    if _hard is None:
        _hard = _HardLimit()
    return _hard


def _install() -> None:
    global _installed
    if not _installed:
        signal.signal(signal.SIGALRM, _on_alarm)
        _installed = True


def _on_alarm(_signal: int, _frame: FrameType | None) -> None:
    if _armed:
        raise SoftTimeLimitExceeded("soft_time_limit")


def _forget() -> None:
    """After a fork: the kernel does not hand timers on, and the child may have set up signals anew."""
    global _armed, _hard, _installed, _main
    _armed, _hard, _installed, _main = False, None, False, get_ident()


os.register_at_fork(after_in_child=_forget)
