"""Child processes that cannot outlive the process that started them."""

import ctypes
import os
import queue
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, cast

PR_SET_PDEATHSIG = 1
# Loaded before any fork: between fork and exec the child must not import or allocate more than it has to.
LIBC = ctypes.CDLL(None, use_errno=True)


def start(
    command: Sequence[str | Path],
    *,
    log: Path,
    environment: Mapping[str, str] | None = None,
    death: signal.Signals = signal.SIGKILL,
    become: Callable[[], None] | None = None,
    **options: Any,
) -> subprocess.Popen[bytes]:
    """Start a program in a session of its own, its output appended to `log`.

    A session of its own, because Ctrl-C in a terminal would otherwise end the servers before those who use them.
    `death` is what it receives when this process dies, `become` runs in the child and may change who it is.
    """
    enter = partial(prepare_child, become, death, os.getpid())
    return forker.run(partial(fork, command, log, env=environment, preexec_fn=enter, **options))


def fork(command: Sequence[str | Path], log: Path, **options: Any) -> subprocess.Popen[bytes]:
    """Start the program in the thread that calls."""
    with log.open("ab") as output:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            **options,
        )


def prepare_child(become: Callable[[], None] | None, death: signal.Signals, parent: int) -> None:
    """Run between fork and exec, the only place from which a child can ask for its death signal."""
    if become is not None:
        become()
    die_with_parent(death, parent)


def die_with_parent(death: signal.Signals = signal.SIGKILL, parent: int | None = None) -> None:
    """Ask the kernel to send this process `death` when its parent ends; a change of user would undo it."""
    if parent is None:
        parent = os.getppid()
    if LIBC.prctl(PR_SET_PDEATHSIG, int(death), 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) failed")
    if os.getppid() != parent:  # it died before we could ask
        os._exit(1)


class Forker:
    """One thread that starts every child and lives as long as the process.

    The kernel takes the *thread* that forked for the parent: a child started by a short-lived thread dies with it.
    """

    def __init__(self) -> None:
        self.orders: queue.SimpleQueue[tuple[Callable[[], Any], queue.SimpleQueue[Any]]] = queue.SimpleQueue()
        self.lock = threading.Lock()
        self.thread: threading.Thread | None = None

    def run(self, fork: Callable[[], subprocess.Popen[bytes]]) -> subprocess.Popen[bytes]:
        """Call `fork` in the thread and return its child, or raise what it raised."""
        with self.lock:
            if self.thread is None:
                self.thread = threading.Thread(target=self.work, name="forker", daemon=True)
                self.thread.start()
        answer: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self.orders.put((fork, answer))
        outcome = answer.get()
        if isinstance(outcome, BaseException):
            raise outcome
        return cast("subprocess.Popen[bytes]", outcome)

    def work(self) -> None:
        """Serve orders for ever."""
        while True:
            fork, answer = self.orders.get()
            try:
                answer.put(fork())
            except BaseException as error:  # noqa: BLE001 - raised again in the thread that ordered
                answer.put(error)


def renew_forker() -> None:
    """Give a forked copy of this process a thread of its own: threads do not survive a fork."""
    global forker
    forker = Forker()


forker = Forker()
os.register_at_fork(after_in_child=renew_forker)


def end(process: subprocess.Popen[bytes], *steps: tuple[signal.Signals, float]) -> None:
    """Send each signal and wait its seconds, until the process is gone; SIGKILL is the last step always."""
    for number, patience in (*steps, (signal.SIGKILL, None)):
        if process.poll() is not None:
            return
        process.send_signal(number)
        try:
            process.wait(patience)
        except subprocess.TimeoutExpired:
            continue


def kill_tree(pid: int) -> list[int]:
    """SIGKILL a process and all its descendants, the process first: a dead parent starts no more children."""
    family = [pid, *descendants(pid)]
    for member in family:
        try:
            os.kill(member, signal.SIGKILL)
        except ProcessLookupError:
            continue
    return family


def descendants(pid: int) -> list[int]:
    """Return the process ids of all children of `pid`, their children, and so on."""
    parents = dict(parents_by_pid())
    found: list[int] = []
    level = {pid}
    while level := {child for child, parent in parents.items() if parent in level}:
        found.extend(level)
    return found


def parents_by_pid() -> Iterator[tuple[int, int]]:
    """Yield every process with its parent."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (fields := status_fields(int(entry.name))):
            yield int(entry.name), int(fields[1])


def gone(pid: int) -> bool:
    """Tell whether a process has ended; a zombie has, though nobody may ever reap it in a container."""
    fields = status_fields(pid)
    return not fields or fields[0] in "ZX"


def status_fields(pid: int) -> list[str]:
    """Return state, parent and the further fields of a process; empty when there is none."""
    try:
        # The program's name stands in parentheses and may hold anything, a parenthesis too.
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def wait_until(done: Callable[[], bool], *, seconds: float, pause: float = 0.01) -> bool:
    """Poll `done` until it holds or the time is up, and return whether it held."""
    limit = time.monotonic() + seconds
    while not done():
        if time.monotonic() > limit:
            return False
        time.sleep(pause)
    return True
