"""A pool that stands behind others on this machine, by what systemd's `CPUWeight=idle` does to its unit.

Nice is no such thing: where processes are scheduled in groups (units of systemd, pods of Kubernetes, and every session
where the kernel has autogroup) it weighs a process against others of its own group alone.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from config.embedded.children import descendants, wait_until

ROOTS = (Path("/sys/fs/cgroup/cpu"), Path("/sys/fs/cgroup"))  # of version 1, of version 2
NAME = "jobs-benchmark-behind-others"
LEAST = "19"  # of a session: a weight of 15 against 1024. Who wakes waits for its turn to end, as beside an equal
GROUP, SESSION, NOTHING = "a cgroup with cpu.idle", "autogroup at nice 19", "nothing"

Put = Callable[[int], str]


@contextmanager
def others() -> Iterator[Put]:
    """Yields what puts a process and its descendants behind all others, and says by which means: root has the better.

    They have to have ended before this does.
    """
    groups: list[Path] = []

    def put(process: int) -> str:
        for place in (root / NAME for root in ROOTS):
            groups.append(place)
            if _succeeds(_move, place, process):
                return GROUP
        session = Path(f"/proc/{process}/autogroup")
        return SESSION if _succeeds(session.write_text, LEAST) else NOTHING

    try:
        yield put
    finally:
        for place in filter(Path.exists, groups):
            wait_until(lambda place=place: _succeeds(place.rmdir), seconds=10)  # type: ignore[misc]


def _move(place: Path, process: int) -> None:
    place.mkdir(exist_ok=True)  # one that was killed has left it
    (place / "cpu.idle").write_text("1")
    for member in (process, *descendants(process)):
        (place / "cgroup.procs").write_text(str(member))


def _succeeds(attempt: Callable[..., object], *arguments: object) -> bool:
    """Whether this machine lets us: not everyone is root, and not every kernel has it."""
    try:
        attempt(*arguments)
    except OSError:
        return False
    return True
