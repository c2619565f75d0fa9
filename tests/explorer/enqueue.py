"""Two callers ask for the same work: open transactions, rollbacks, lost answers, windows, pruning and a replay.

The unique index is PostgreSQL's: an insert waits for the open transaction that holds the key, then inserts or finds.
"""

from collections.abc import Iterator
from typing import NamedTuple

from tests.explorer.engine import Step
from tests.explorer.record import TERMINAL, D, Q, S

TWO_LIVE = "one live record for a key"
TOO_SOON = "a key is taken until its window has passed, for ever by default"
NOBODY = "whoever was told of a job has a record"
OTHER_WORK = "a handle answers for the payload that was asked for"
LOST = "no record is lost"
NEW, FIND, FREE, ANSWERED, UNSURE, TOLD, GONE, REFUSED = (
    "new", "find", "free", "answered", "unsure", "told", "gone", "refused",
)  # fmt: skip
ENDED = (TOLD, GONE, REFUSED)
NO_ONE = -1
FREED = -1  # in place of a handle: this caller has freed a key before


class Row(NamedTuple):
    id: int
    payload: int
    open_by: int  # caller whose open transaction wrote it
    state: str = Q
    keyed: bool = True
    freed_by: int = NO_ONE  # caller whose open transaction takes its key away
    old: bool = False  # the window has passed
    pruned: bool = False


class Caller(NamedTuple):
    payload: int
    phase: str = NEW
    handle: int = 0
    calls: int = 1


class World(NamedTuple):
    windowed: bool
    callers: tuple[Caller, Caller]
    rows: tuple[Row, ...] = ()
    created: int = 0
    committed: int = 0
    pruned: tuple[int, ...] = ()  # ids of records that are gone, as they held no key
    replays: int = 0
    gone_too_soon: bool = False  # a record was deleted that still answers for the key
    owed_tombstone: Row | None = None  # of a pruner in two steps
    wrong: str = ""


class Enqueue:
    def __init__(self, name: str, cut: frozenset[str] = frozenset()) -> None:
        self.name = name
        self.cut = cut

    def initial(self) -> Iterator[tuple[str, World]]:
        yield "two callers, one key", World(False, (Caller(1), Caller(1)))
        yield "two callers, one key with a window", World(True, (Caller(1), Caller(1)))
        yield "two callers, one key, two payloads", World(False, (Caller(1), Caller(2)))

    def violated(self, w: World) -> str:
        if w.wrong:
            return w.wrong
        if sum(r.state == Q for r in w.rows) > 1:
            return TWO_LIVE
        kept = sum(r.open_by == NO_ONE for r in w.rows) + len(w.pruned)
        return "" if kept == w.committed or w.owed_tombstone else LOST

    def goal(self, w: World) -> bool:
        return all(c.phase in ENDED for c in w.callers) and all(r.state in TERMINAL for r in w.rows)

    def steps(self, w: World) -> Iterator[Step]:
        for n, caller in enumerate(w.callers):
            if caller.phase not in ENDED:
                yield from getattr(self, f"_{caller.phase}")(w, n, caller)
            if caller.phase in (FIND, FREE, ANSWERED):
                yield Step(f"caller {n + 1} rolls back", _rolled_back(w, n), False)
        for row in w.rows:
            if row.open_by == NO_ONE:
                yield from self._later(w, row)
        if w.owed_tombstone:
            yield Step(
                "the pruner writes the tombstone", w._replace(rows=(*w.rows, w.owed_tombstone), owed_tombstone=None)
            )

    # -- a caller -----------------------------------------------------------------------------------------------------

    def _new(self, w: World, n: int, caller: Caller) -> Iterator[Step]:
        holder = self._holder(w, n)
        if holder is None:
            row = Row(w.created + 1, caller.payload, n)
            taken = w.gone_too_soon or not all(r.state in TERMINAL and r.old for r in w.rows)
            after = w._replace(rows=(*w.rows, row), created=row.id, wrong=TOO_SOON if taken else "")
            yield Step(f"caller {n + 1}: enqueue", _caller(after, n, caller._replace(phase=ANSWERED, handle=row.id)))
        elif not _in_doubt(holder, n):
            look = caller._replace(phase=FIND)
            if "loop" in self.cut and caller.handle == FREED:  # it has looked once
                look = caller._replace(phase=ANSWERED, handle=0)
            yield Step(f"caller {n + 1}: the key is taken", _caller(w, n, look))
        elif "wait for the other" in self.cut:
            answered = caller._replace(phase=ANSWERED, handle=holder.id)
            yield Step(f"caller {n + 1} takes busy for a duplicate", _caller(w, n, answered))

    def _holder(self, w: World, n: int) -> Row | None:
        """The entry of the unique index that stands in the way, open transactions of others included."""
        live_only = "dedupe after the end" in self.cut
        for r in w.rows:
            if r.keyed and r.freed_by != n and not (live_only and r.state in TERMINAL):
                return r
        return None

    def _find(self, w: World, n: int, caller: Caller) -> Iterator[Step]:
        seen = [r for r in w.rows if r.keyed and r.freed_by != n and r.open_by in (NO_ONE, n)]
        if not seen:
            yield Step(f"caller {n + 1} finds nobody", _caller(w, n, caller._replace(phase=NEW)))
        elif seen[0].old:
            passed = caller._replace(phase=FREE, handle=seen[0].id)
            yield Step(f"caller {n + 1} finds a record whose window has passed", _caller(w, n, passed))
        elif seen[0].payload != caller.payload and "fingerprint" not in self.cut:
            yield Step(f"caller {n + 1}: KeyConflict", _caller(w, n, caller._replace(phase=REFUSED)))
        else:
            found = caller._replace(phase=ANSWERED, handle=seen[0].id)
            yield Step(f"caller {n + 1} finds record {seen[0].id}", _caller(w, n, found))

    def _free(self, w: World, n: int, caller: Caller) -> Iterator[Step]:
        """`free_key`: waits for the row's lock, then looks at the row as it has become."""
        row = next((r for r in w.rows if r.id == caller.handle), None)
        if row is not None and row.freed_by not in (NO_ONE, n):
            return
        after = _caller(w, n, caller._replace(phase=NEW, handle=FREED if "loop" in self.cut else 0))
        if row is not None and row.keyed and (row.old or "guard of free_key" in self.cut):
            after = _row(after, row._replace(freed_by=n))
        yield Step(f"caller {n + 1}: free_key", after)

    def _answered(self, w: World, n: int, caller: Caller) -> Iterator[Step]:
        done = _committed(w, n)
        yield Step(f"caller {n + 1} commits", self._told(done, n, caller))
        if caller.calls < 2:
            yield Step(
                f"caller {n + 1} commits, the answer is lost", _caller(done, n, caller._replace(phase=UNSURE)), False
            )

    def _unsure(self, w: World, n: int, caller: Caller) -> Iterator[Step]:
        yield Step(f"caller {n + 1} calls again", _caller(w, n, Caller(caller.payload, calls=2)))

    @staticmethod
    def _told(w: World, n: int, caller: Caller) -> World:
        row = next((r for r in w.rows if r.id == caller.handle and r.open_by == NO_ONE), None)
        if row is None:
            wrong = "" if caller.handle in w.pruned else NOBODY
        else:
            wrong = "" if row.payload == caller.payload else OTHER_WORK
        return _caller(w, n, caller._replace(phase=TOLD))._replace(wrong=w.wrong or wrong)

    # -- what becomes of a record -------------------------------------------------------------------------------------

    def _later(self, w: World, r: Row) -> Iterator[Step]:
        if r.state == Q:
            yield Step(f"record {r.id} succeeds", _row(w, r._replace(state=S)))
            yield Step(f"record {r.id} is dead-lettered", _row(w, r._replace(state=D)))
            return
        if r.freed_by != NO_ONE:
            return  # the row is locked
        if w.windowed and not r.old:
            yield Step(f"the window of record {r.id} passes", _row(w, r._replace(old=True)), False)
        if r.state == D and w.replays < 1 and (r.keyed or "newer record in replay" in self.cut):
            again = _row(w, r._replace(state=Q, old=False))._replace(replays=w.replays + 1)
            yield Step(f"replay of record {r.id}", again, False)
        if r.state == S and not r.pruned and not w.owed_tombstone:
            yield from self._prune(w, r)

    def _prune(self, w: World, r: Row) -> Iterator[Step]:
        rest = tuple(x for x in w.rows if x.id != r.id)
        if not r.keyed or "tombstone" in self.cut:  # nobody can ask for it by its key
            gone = w._replace(rows=rest, pruned=(*w.pruned, r.id), gone_too_soon=r.keyed and not r.old)
            yield Step(f"prune deletes record {r.id}", gone, False)
        elif "one prune statement" in self.cut:
            yield Step(
                f"the pruner deletes record {r.id}",
                w._replace(rows=rest, owed_tombstone=r._replace(pruned=True)),
                False,
            )
        else:
            yield Step(f"prune hollows record {r.id}", _row(w, r._replace(pruned=True)), False)


def _in_doubt(r: Row, n: int) -> bool:
    """Only the end of another's open transaction decides who holds the key."""
    return r.open_by not in (NO_ONE, n) or r.freed_by not in (NO_ONE, n)


def _caller(w: World, n: int, caller: Caller) -> World:
    return w._replace(callers=(caller, w.callers[1]) if n == 0 else (w.callers[0], caller))


def _row(w: World, row: Row) -> World:
    return w._replace(rows=tuple(row if r.id == row.id else r for r in w.rows))


def _committed(w: World, n: int) -> World:
    rows = tuple(
        r._replace(
            open_by=NO_ONE if r.open_by == n else r.open_by,
            keyed=r.keyed and r.freed_by != n,
            freed_by=NO_ONE if r.freed_by == n else r.freed_by,
        )
        for r in w.rows
    )
    return w._replace(rows=rows, committed=w.committed + sum(r.open_by == n for r in w.rows))


def _rolled_back(w: World, n: int) -> World:
    rows = tuple(r._replace(freed_by=NO_ONE) if r.freed_by == n else r for r in w.rows if r.open_by != n)
    return _caller(w._replace(rows=rows), n, w.callers[n]._replace(phase=GONE, handle=0))
