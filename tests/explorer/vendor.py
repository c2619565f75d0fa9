"""A call to somebody else's system: its request or its answer may be lost, and the worker may die around it.

Three kinds of vendor: one that honours an idempotency key, one that can be asked what it has (`already_done`), and one
that offers neither, so that an intent is noted first and doubt ends with a person. A refusal proves that nothing was
done and takes the intent back; of an unknown outcome a person replays only what he did not find at the vendor.
"""

from collections.abc import Iterator
from typing import NamedTuple

from tests.explorer.engine import Step
from tests.explorer.judge import Judge, is_over
from tests.explorer.record import REVIEWABLE, Held, Limits, Machine, P, Record

KEY, ASK, NEITHER = "a vendor with keys", "a vendor that can be asked", "a vendor with neither"
TWICE = "at most one vendor effect"
UNDONE = "succeeded only with the vendor's effect"
BEGIN, SEND, SETTLE, RETRY = "begin", "send", "succeed", "retry"
REFUSED = "retry after a refusal"


class Worker(NamedTuple):
    phase: str
    held: Held


class World(NamedTuple):
    kind: str
    record: Record = Record()
    intent: bool = False
    keys: tuple[str, ...] = ()  # of the effects that the vendor has
    corrected: bool = False  # the record is a successor: what its vendor is shown is a new key
    workers: tuple[Worker | None, Worker | None] = (None, None)
    wrong: str = ""


class Vendor:
    def __init__(self, name: str, cut: frozenset[str] = frozenset()) -> None:
        limits = Limits(3, 4, 1)
        self.name = name
        self.cut = cut
        self.machine = Machine(limits, cut)
        self.judge = Judge(limits)

    def initial(self) -> Iterator[tuple[str, World]]:
        for kind in (KEY, ASK, NEITHER):
            yield f"enqueue, for {kind}", World(kind)

    def violated(self, w: World) -> str:
        return w.wrong

    def goal(self, w: World) -> bool:
        return is_over(w.record) and w.workers == (None, None)

    def steps(self, w: World) -> Iterator[Step]:
        if w.wrong:
            return
        for n, worker in enumerate(w.workers):
            if worker is None:
                yield from self._claim(w, n)
            else:
                yield from self._work(w, n, worker)
        yield from self._others(w)

    def _others(self, w: World) -> Iterator[Step]:
        r = w.record
        if r.state == P and not r.expired:
            alive = any(worker and worker.held.serial == r.serial for worker in w.workers)
            yield Step("the lease runs out", w._replace(record=r._replace(expired=True)), not alive)
        if (after := self.machine.reap(r)) is not None:
            kept = w if "intent after reap" not in self.cut else w._replace(intent=False)
            yield Step("reap", self._write(kept, "reap", after))
        if (after := self.machine.exhaust(r)) is not None:
            yield Step("exhaust", self._write(w, "exhaust", after))
        if r.state in REVIEWABLE and not r.replays and (w.kind != NEITHER or not w.keys):
            looked = w._replace(intent=False)
            yield Step("replay", self._write(looked, "replay", self.machine.replay(r, r.token)), False)
        if r.state in REVIEWABLE and not (w.corrected or r.replays) and self._proved_undone(w):
            # Tokens and leases go on, so that a worker of the record before it finds no row, as in the table.
            successor = Record(token=r.token + 1, lease=r.lease, serial=r.serial)
            wrong = self.judge.succession(r)
            yield Step("supersede", w._replace(record=successor, intent=False, corrected=True, wrong=wrong), False)

    def _proved_undone(self, w: World) -> bool:
        """Whether a corrected payload, under a new key, cannot make the effect a second time."""
        if w.kind == ASK:
            return not w.keys
        return w.kind == NEITHER and (not w.intent or "intent of supersede" in self.cut)

    # -- a worker -----------------------------------------------------------------------------------------------------

    def _claim(self, w: World, n: int) -> Iterator[Step]:
        r = w.record
        if self.machine.claimable(r) and (n == 0 or w.workers[0] is not None):
            after = self.machine.claim(r, r.serial + 1, r.serial + 1)
            worker = Worker(BEGIN, Held(after.token, after.lease, after.serial))
            yield Step("claim", _put(self._write(w, "claim", after), n, worker))

    def _work(self, w: World, n: int, worker: Worker) -> Iterator[Step]:
        yield Step(f"worker of token {worker.held.token} dies", _put(w, n, None), False)
        if worker.phase == BEGIN:
            yield from self._begin(w, n, worker)
        elif worker.phase == SEND:
            yield from self._send(w, n, worker)
        else:
            yield from self._settle(w, n, worker.held, worker.phase)

    def _begin(self, w: World, n: int, worker: Worker) -> Iterator[Step]:
        """Look before the call; where nobody can be asked, note the intent, fenced, or find one and leave it alone."""
        token = worker.held.token
        if w.kind == ASK and w.keys and "already_done" not in self.cut:
            yield Step(f"token {token}: already_done finds it", _put(w, n, worker._replace(phase=SETTLE)))
        elif w.kind != NEITHER or "intent" in self.cut:
            yield Step(f"token {token} looks", _put(w, n, worker._replace(phase=SEND)))
        elif w.intent and "unknown outcome" not in self.cut:
            yield from self._settle(w, n, worker.held, "dead_letter")
        elif self.machine.owns("succeed", w.record, worker.held) or "fenced intent" in self.cut:
            noted = _put(w._replace(intent=True), n, worker._replace(phase=SEND))
            yield Step(f"token {token} notes its intent", noted)
            yield Step(f"token {token} notes its intent, the answer is lost", noted._replace(workers=w.workers), False)
        else:
            yield Step(f"token {token}: intent finds no row", _put(w, n, None))

    def _send(self, w: World, n: int, worker: Worker) -> Iterator[Step]:
        """The hard limit ends a body before its lease does: who sends still owns. A key makes even that unneeded."""
        token = worker.held.token
        may_be_late = w.kind == KEY or "hard limit" in self.cut
        if not may_be_late and (not self._still_leased(w, worker.held)):
            yield Step(f"the hard limit kills token {token}", _put(w, n, None))
            return
        sent = self._at_vendor(w, worker.held)
        yield Step(f"token {token} calls", _put(sent, n, worker._replace(phase=SETTLE)))
        after_doubt = RETRY if w.kind != NEITHER or "unknown outcome" in self.cut else "dead_letter"
        after_doubt = REFUSED if "proof" in self.cut else after_doubt
        yield Step(f"token {token} calls, the answer is lost", _put(sent, n, worker._replace(phase=after_doubt)), False)
        yield Step(f"token {token} calls, the request is lost", _put(w, n, worker._replace(phase=after_doubt)), False)
        yield Step(f"token {token} calls and is refused", _put(w, n, worker._replace(phase=REFUSED)), False)

    @staticmethod
    def _still_leased(w: World, held: Held) -> bool:
        r = w.record
        return r.state == P and r.serial == held.serial and not r.expired

    def _at_vendor(self, w: World, held: Held) -> World:
        if w.kind != KEY:
            keys = (*w.keys, "call")
        else:
            key = f"attempt {held.token}" if "stable key" in self.cut else "job"
            key = f"replay {w.record.replays}" if "key over replays" in self.cut else key
            keys = tuple(sorted({*w.keys, key}))
        return w._replace(keys=keys, wrong=TWICE if len(keys) > 1 else "")

    def _settle(self, w: World, n: int, held: Held, phase: str) -> Iterator[Step]:
        arrow = RETRY if phase == REFUSED else phase
        taken_back = w._replace(intent=False) if phase == REFUSED else w
        after = getattr(self.machine, arrow)(w.record, held)
        if after is None:
            left = taken_back if "guard of taking back" in self.cut else w
            yield Step(f"{phase} of token {held.token} finds no row", _put(left, n, None))
            return
        done = self._write(taken_back, arrow, after, held)
        if arrow == SETTLE and not w.keys:
            done = done._replace(wrong=UNDONE)
        yield Step(f"{phase} by token {held.token}", _put(done, n, None))
        yield Step(f"{phase} by token {held.token}, its answer is lost", _put(done, n, Worker(phase, held)), False)

    def _write(self, w: World, arrow: str, after: Record, held: Held | None = None) -> World:
        return w._replace(record=after, wrong=self.judge.write(arrow, w.record, after, held))


def _put(w: World, n: int, worker: Worker | None) -> World:
    return w._replace(workers=(worker, w.workers[1]) if n == 0 else (w.workers[0], worker))
