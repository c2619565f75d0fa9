"""Hints, relays and a broker that loses, doubles, delays and forges; a queue that is paused; records as hints see them.

The relay reads the records, later the queue's depth, later it sends: whatever it saw may have changed by then.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

from tests.explorer.engine import Step

REFUSED = "no hint for what a claim would refuse"
FULL = "hints in a queue are bounded"
PAUSED = "nobody claims from a paused queue"
EARLY = "nobody claims before a record is due"

NONE, OPEN, LATE, DUE, ORPHAN, DONE = "not there", "uncommitted", "not due", "due", "orphan", "done"
AWAKE, BUSY, FULL_BATCH = "awake", "busy", "full batch"
WINDOW = 2  # W: hints that the relay lets wait in a queue
BATCH = 2  # K


class Entry(NamedTuple):
    state: str = NONE
    worker: int = -1  # who runs it
    marked: bool = False  # in the books of a relay that keeps books


class Look(NamedTuple):
    """What one relay has seen: records first, then the depth (-1: not yet). Ghosts: `refused`, and `arrived` since."""

    wanted: int
    refused: bool
    depth: int = -1
    arrived: int = 0


class World(NamedTuple):
    entries: tuple[Entry, ...]
    hints: int = 0
    paused: bool = False
    pauses: int = 0
    lies: int = 0
    workers: tuple[str, str] = ("", "")
    relays: tuple[Look | None, Look | None] = (None, None)
    cursor: int = -1
    wrong: str = ""


class Hints:
    def __init__(self, name: str, cut: frozenset[str] = frozenset(), *, records: int = 2) -> None:
        self.name = name
        self.cut = cut
        self.records = records

    def initial(self) -> Iterator[tuple[str, World]]:
        yield f"{self.records} callers", World((Entry(),) * self.records)

    def violated(self, w: World) -> str:
        return w.wrong

    def goal(self, w: World) -> bool:
        quiet = not any(w.workers) and not any(w.relays) and not w.hints
        return quiet and all(e.state in (NONE, DONE) for e in w.entries)

    def steps(self, w: World) -> Iterator[Step]:
        if w.wrong:
            return
        for step in (*self._callers(w), *self._broker(w), *self._workers(w), *self._relays(w), *self._time(w)):
            yield step if "cursor" in self.cut else Step(step.label, _canonical(step.state), step.fair)

    # -- callers and broker -------------------------------------------------------------------------------------------

    def _callers(self, w: World) -> Iterator[Step]:
        for i, e in enumerate(w.entries):
            if e.state == NONE:
                opened = _entry(w, i, Entry(OPEN))
                if "hint after commit" in self.cut:
                    opened = _arrived(opened)
                yield Step("a caller inserts", opened, False)
            elif e.state == OPEN:
                yield from self._commit(w, i)

    def _commit(self, w: World, i: int) -> Iterator[Step]:
        due, late = _entry(w, i, Entry(DUE)), _entry(w, i, Entry(LATE))
        if "hint after commit" not in self.cut:
            marked = _entry(w, i, Entry(DUE, marked="books" in self.cut))
            yield Step("commit, and a hint", _arrived(marked))
        yield Step("commit, no hint", due, "hint after commit" in self.cut)
        yield Step("commit, due later", late)
        yield Step("rollback", _entry(w, i, Entry(DONE)))  # nothing is owed to it either

    def _broker(self, w: World) -> Iterator[Step]:
        if w.hints:
            yield Step("the broker loses a hint", w._replace(hints=w.hints - 1), False)
            yield Step("the broker is wiped", w._replace(hints=0), False)
        if not w.lies:
            yield Step("a hint is doubled, or forged", _arrived(w)._replace(lies=1), False)

    # -- workers ------------------------------------------------------------------------------------------------------

    def _workers(self, w: World) -> Iterator[Step]:
        for n, phase in enumerate(w.workers):
            if phase:
                yield from self._at_work(w, n, phase)
            elif w.hints and (n == 0 or w.workers[0]):  # two idle workers are one case
                yield Step("a worker takes a hint", _worker(w, n, AWAKE)._replace(hints=w.hints - 1))

    def _at_work(self, w: World, n: int, phase: str) -> Iterator[Step]:
        yield Step("a worker dies", _died(w, n), False)
        if phase == AWAKE:
            yield from self._claim(w, n)
            return
        mine = [i for i, e in enumerate(w.entries) if e.worker == n]
        for i in mine:
            after = _worker(w, n, phase if len(mine) > 1 else AWAKE if phase == FULL_BATCH else "")
            yield Step("succeed", _entry(after, i, Entry(DONE)))
            yield Step("retry", _entry(after, i, Entry(LATE)), False)
        if phase == FULL_BATCH and len(mine) == 1:
            after = _entry(_worker(w, n, ""), mine[0], Entry(DONE))
            yield Step("succeed, and a successor hint after a full batch", _arrived(after))

    def _claim(self, w: World, n: int) -> Iterator[Step]:
        states = (DUE, LATE) if "due in claim" in self.cut else (DUE,)
        found = [i for i, e in enumerate(w.entries) if e.state in states][:BATCH]
        if w.paused and "pause in claim" not in self.cut:
            found = []
        if not found:
            after = w if "drop the hint" in self.cut else _worker(w, n, "")  # sent back, it comes back at once
            yield Step("a claim finds nothing", after)
            return
        early = any(w.entries[i].state == LATE for i in found)
        after = _worker(w, n, FULL_BATCH if len(found) == BATCH else BUSY)
        for i in found:
            after = _entry(after, i, Entry("running", n))
        yield Step(f"claim {len(found)}", after._replace(wrong=PAUSED if w.paused else EARLY if early else ""))

    # -- relays -------------------------------------------------------------------------------------------------------

    def _relays(self, w: World) -> Iterator[Step]:
        if "relay" in self.cut:
            return
        for n, look in enumerate(w.relays):
            if look is None:
                if n == 0 or w.relays[0] is not None:  # two idle relays are one case
                    yield from self._read(w, n)
                continue
            yield Step("a relay dies", _relay(w, n, None), False)
            if look.depth >= 0:
                yield from self._send(w, n, look)
            elif self._is_locked(w, n):
                yield Step("a relay leaves the queue to the other", _relay(w, n, None))
            else:
                depth = 0 if "depth" in self.cut else min(w.hints, WINDOW)
                yield Step("a relay reads the depth", _relay(w, n, look._replace(depth=depth)))

    def _read(self, w: World, n: int) -> Iterator[Step]:
        due = [i for i, e in enumerate(w.entries) if e.state == DUE and not e.marked and i > w.cursor]
        if due and (not w.paused or "pause in relay" in self.cut):
            seen = _relay(w, n, Look(min(WINDOW, -(-len(due) // BATCH) + 1), w.paused))
            if "cursor" in self.cut:
                seen = seen._replace(cursor=max(due))
            yield Step(f"a relay reads {len(due)} claimable", seen)

    def _is_locked(self, w: World, n: int) -> bool:
        other = w.relays[1 - n]
        return other is not None and other.depth >= 0 and "relay's lock" not in self.cut

    def _send(self, w: World, n: int, look: Look) -> Iterator[Step]:
        missing = max(0, look.wanted - look.depth)
        own = w.hints + missing - look.arrived
        wrong = REFUSED if look.refused and missing else FULL if missing and own > WINDOW else ""
        after = _relay(w, n, None)._replace(wrong=wrong)
        if "books" in self.cut:
            marked = tuple(e._replace(marked=True) if e.state == DUE else e for e in w.entries)
            after = after._replace(entries=marked)
        yield Step(f"a relay sends {missing}", after._replace(hints=w.hints + missing))

    # -- time ---------------------------------------------------------------------------------------------------------

    def _time(self, w: World) -> Iterator[Step]:
        for i, e in enumerate(w.entries):
            if e.state == LATE:
                yield Step("a record becomes due", _entry(w, i, Entry(DUE)))
            elif e.state == ORPHAN:
                yield Step("reap", _entry(w, i, Entry(DUE)))
        if w.paused:
            yield Step("the pause ends", w._replace(paused=False))
        elif not w.pauses:
            yield Step("pause", w._replace(paused=True, pauses=1), False)


def _arrived(w: World) -> World:
    """One more hint, and not from a relay: who has read the depth does not know of it."""
    relays = tuple(look._replace(arrived=look.arrived + 1) if look and look.depth >= 0 else look for look in w.relays)
    return w._replace(hints=w.hints + 1, relays=relays)


def _entry(w: World, i: int, entry: Entry) -> World:
    return w._replace(entries=(*w.entries[:i], entry, *w.entries[i + 1 :]))


def _worker(w: World, n: int, phase: str) -> World:
    return w._replace(workers=(phase, w.workers[1]) if n == 0 else (w.workers[0], phase))


def _relay(w: World, n: int, look: Look | None) -> World:
    return w._replace(relays=(look, w.relays[1]) if n == 0 else (w.relays[0], look))


def _died(w: World, n: int) -> World:
    entries = tuple(Entry(ORPHAN) if e.worker == n else e for e in w.entries)
    return _worker(w, n, "")._replace(entries=entries)


def _canonical(w: World) -> World:
    """Records, workers and relays are alike: sorted, worlds that differ by their names are one."""
    first, second = w.workers
    swapped = _load(w, 0) > _load(w, 1)
    entries = (e._replace(worker=1 - e.worker) if swapped and e.worker >= 0 else e for e in w.entries)
    relays: Any = sorted(w.relays, key=lambda look: look or ())
    return w._replace(
        entries=tuple(sorted(entries)), workers=(second, first) if swapped else w.workers, relays=tuple(relays)
    )


def _load(w: World, n: int) -> tuple[str, int]:
    return w.workers[n], sum(e.worker == n for e in w.entries)
