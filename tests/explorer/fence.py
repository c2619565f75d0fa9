"""Why a write demands both the token and the lease: each of them alone can repeat.

The token does when the newest claim is forgotten: by a crash, since claims do not wait for the disk, or by a replica
that takes over and had not seen it. The lease's id does when two processes draw the same random number, as a fork or a
copied virtual machine may. One such accident at a time.
"""

from collections.abc import Iterator
from typing import NamedTuple

from tests.explorer.engine import Step
from tests.explorer.judge import Judge, is_over
from tests.explorer.record import Held, Limits, Machine, P, Record


class World(NamedTuple):
    record: Record
    replica: Record
    workers: tuple[Held | None, Held | None] = (None, None)
    accident: bool = False
    claims: int = 0
    wrong: str = ""


class Fence:
    def __init__(self, name: str, cut: frozenset[str] = frozenset()) -> None:
        limits = Limits(3, 4, 1)
        self.name = name
        self.machine = Machine(limits, cut)
        self.judge = Judge(limits)

    def initial(self) -> Iterator[tuple[str, World]]:
        yield "enqueue", World(Record(), Record())

    def violated(self, w: World) -> str:
        return w.wrong

    def goal(self, w: World) -> bool:
        return is_over(w.record) and w.workers == (None, None)

    def steps(self, w: World) -> Iterator[Step]:
        if w.wrong:
            return
        for n, held in enumerate(w.workers):
            yield from self._claim(w, n) if held is None else self._settle(w, n, held)
        r = w.record
        if r.state == P and not r.expired:
            alive = any(held and held.serial == r.serial for held in w.workers)
            yield Step("the lease runs out", w._replace(record=r._replace(expired=True)), not alive)
        if (after := self.machine.reap(r)) is not None:
            yield Step("reap", self._write(w, "reap", after))
        if (after := self.machine.exhaust(r)) is not None:
            yield Step("exhaust", self._write(w, "exhaust", after))
        yield from self._replicate(w)

    def _replicate(self, w: World) -> Iterator[Step]:
        if w.accident:
            return
        if w.replica != w.record:
            yield Step("the disk, or a replica, has it all", w._replace(replica=w.record), False)
            yield Step("what they had not seen is forgotten", w._replace(record=w.replica, accident=True), False)

    def _claim(self, w: World, n: int) -> Iterator[Step]:
        if not self.machine.claimable(w.record):
            return
        serial = w.claims + 1
        yield Step("claim", self._claimed(w, n, serial, serial))
        other = w.workers[1 - n]
        if other is not None and not w.accident:
            again = self._claimed(w, n, other.lease, serial)._replace(accident=True)
            yield Step("claim, with a lease id that another worker has drawn as well", again, False)

    def _claimed(self, w: World, n: int, lease: int, serial: int) -> World:
        after = self.machine.claim(w.record, lease, serial)
        return _put(self._write(w, "claim", after), n, Held(after.token, after.lease, serial))._replace(claims=serial)

    def _settle(self, w: World, n: int, held: Held) -> Iterator[Step]:
        yield Step("a worker dies", _put(w, n, None), False)
        for arrow in ("succeed", "retry"):
            after = getattr(self.machine, arrow)(w.record, held)
            done = w if after is None else self._write(w, arrow, after, held)
            found = "" if after else " finds no row"
            yield Step(f"{arrow} by claim {held.serial}{found}", _put(done, n, None))

    def _write(self, w: World, arrow: str, after: Record, held: Held | None = None) -> World:
        return w._replace(record=after, wrong=self.judge.write(arrow, w.record, after, held))


def _put(w: World, n: int, held: Held | None) -> World:
    return w._replace(workers=(held, w.workers[1]) if n == 0 else (w.workers[0], held))
