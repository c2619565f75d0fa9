"""Two records claimed together under one lease: death between them, grouped settles, give back, and one that kills.

A worker begins its records in their order; the lease keeper may give back those that wait at any moment.
"""

from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

from tests.explorer.engine import Step
from tests.explorer.judge import Judge, is_over
from tests.explorer.record import TERMINAL, Held, Limits, Machine, P, Q, Record, S

Part = tuple[int, Held]  # number of a record, and what its claim gave


class Hands(NamedTuple):
    """What one worker has: records that wait, the one it runs, those it has run and not yet written."""

    waiting: tuple[Part, ...] = ()
    current: Part | None = None
    group: tuple[Part, ...] = ()


class World(NamedTuple):
    records: tuple[Record, ...]
    killer: int  # number of the record whose body kills its worker, or -1
    workers: tuple[Hands, ...] = (Hands(), Hands())
    wrong: str = ""


class Batch:
    def __init__(self, name: str, cut: frozenset[str] = frozenset(), *, limits: Limits = Limits(2, 2, 1)) -> None:  # noqa: B008
        self.name = name
        self.cut = cut
        self.machine = Machine(limits, cut)
        self.judge = Judge(limits)

    def initial(self) -> Iterator[tuple[str, World]]:
        for killer, label in ((-1, "enqueue two"), (0, "enqueue two, the first kills its worker")):
            yield label, World((Record(), Record()), killer)

    def violated(self, w: World) -> str:
        return w.wrong

    def goal(self, w: World) -> bool:
        return all(map(is_over, w.records)) and w.workers == (Hands(), Hands())

    def steps(self, w: World) -> Iterator[Step]:
        for label, after, fair in self._steps(w):
            yield Step(label, after if after.wrong else _canonical(after), fair)

    def _steps(self, w: World) -> Iterator[Step]:
        if w.wrong:
            return
        for n, hands in enumerate(w.workers):
            if hands != Hands():
                yield from self._work(w, n, hands)
            elif n == 0 or w.workers[0] != Hands():  # two idle workers are one case
                yield from self._claim(w, n)
        yield from self._time(w)
        yield from self._reap(w)

    # -- claim --------------------------------------------------------------------------------------------------------

    def _claim(self, w: World, n: int) -> Iterator[Step]:
        for chosen in self._choices(w.records):
            lease = 1 + max(r.lease for r in w.records)
            claimed, parts = w, []
            for i in chosen:
                r = w.records[i]
                after = self.machine.claim(r, lease, r.serial + 1, len(chosen))
                claimed = self._write(claimed, i, "claim", after)
                parts.append((i, Held(after.token, after.lease, after.serial)))
            names = " and ".join(map(str, chosen))
            yield Step(f"claim {names}", _put(claimed, n, Hands(tuple(parts))))

    def _choices(self, records: tuple[Record, ...]) -> Iterator[tuple[int, ...]]:
        """Whichever is due first; both together where neither is to be alone."""
        due = tuple(i for i, r in enumerate(records) if self.machine.claimable(r))
        if len(due) < 2 or ("solo in claim" not in self.cut and any(records[i].solo for i in due)):
            yield from ((i,) for i in due)
        else:
            yield from (due, due[::-1])

    # -- a worker -----------------------------------------------------------------------------------------------------

    def _work(self, w: World, n: int, hands: Hands) -> Iterator[Step]:
        kills = hands.current is not None and hands.current[0] == w.killer
        yield Step(f"worker {_names(hands)} dies", _put(w, n, Hands()), kills)
        if hands.current is None:
            yield from self._between(w, n, hands)
        elif not kills:
            yield from self._end_body(w, n, hands, hands.current)
        if hands.current is not None and hands.waiting:
            yield from self._give_back(w, n, hands.waiting, hands._replace(waiting=()))

    def _between(self, w: World, n: int, hands: Hands) -> Iterator[Step]:
        if hands.waiting:
            first, *rest = hands.waiting
            yield Step(f"start {first[0]}", _put(w, n, hands._replace(waiting=tuple(rest), current=first)))
        if hands.waiting and not hands.group:  # told to stop, or the queue was paused
            yield from self._give_back(w, n, hands.waiting, Hands())
        if hands.group:
            yield from self._flush(w, n, hands)

    def _end_body(self, w: World, n: int, hands: Hands, current: Part) -> Iterator[Step]:
        i, held = current
        rest = hands._replace(current=None)
        yield Step(f"end {i}", _put(w, n, rest._replace(group=(*hands.group, current))))
        after = self.machine.retry(w.records[i], held)
        done = w if after is None else self._write(w, i, "retry", after, held)
        yield Step(f"retry {i}", _put(done, n, rest))

    def _flush(self, w: World, n: int, hands: Hands) -> Iterator[Step]:
        """One statement settles the group; a lost answer leaves it in the worker's hands, to be settled again."""
        done = self._all(w, "succeed", hands.group)
        names = " and ".join(str(i) for i, _ in hands.group)
        yield Step(f"succeed {names}", _put(done, n, hands._replace(group=())))
        if done is not w:
            yield Step(f"succeed {names}, its answer is lost", done, False)

    def _give_back(self, w: World, n: int, parts: tuple[Part, ...], after: Hands) -> Iterator[Step]:
        done = self._all(w, "give_back", parts, begun=False)
        names = " and ".join(str(i) for i, _ in parts)
        yield Step(f"give_back {names}", _put(done, n, after), False)

    def _all(self, w: World, arrow: str, parts: tuple[Part, ...], **how: bool) -> World:
        for i, held in parts:
            after = getattr(self.machine, arrow)(w.records[i], held, **how)
            if after is not None:
                w = self._write(w, i, arrow, after, held)
        return w

    # -- time and reaper ----------------------------------------------------------------------------------------------

    def _time(self, w: World) -> Iterator[Step]:
        for i, r in enumerate(w.records):
            if r.state == P and not r.expired:
                alive = any(held.serial == r.serial for hands in w.workers for j, held in _parts(hands) if j == i)
                yield Step(f"the lease of {i} runs out", _with(w, i, r._replace(expired=True)), not alive)

    def _reap(self, w: World) -> Iterator[Step]:
        for i, r in enumerate(w.records):
            if (after := self.machine.reap(r)) is not None:
                yield Step(f"reap {i}", self._write(w, i, "reap", after))
            if r.state == Q and (after := self.machine.exhaust(r)) is not None:
                yield Step(f"exhaust {i}", self._write(w, i, "exhaust", after))

    def _write(self, w: World, i: int, arrow: str, after: Record, held: Held | None = None) -> World:
        wrong = w.wrong or self.judge.write(arrow, w.records[i], after, held)
        return _with(w, i, after)._replace(wrong=wrong)


def _with(w: World, i: int, record: Record) -> World:
    return w._replace(records=(*w.records[:i], record, *w.records[i + 1 :]))


def _parts(hands: Hands) -> tuple[Part, ...]:
    return (*hands.waiting, *((hands.current,) if hands.current else ()), *hands.group)


def _names(hands: Hands) -> str:
    return "of " + " and ".join(str(i) for i, _ in _parts(hands))


def _put(w: World, n: int, hands: Hands) -> World:
    """Workers are alike: they are kept in order, so that two worlds that differ by their names are one."""
    workers: list[Any] = [*w.workers]
    workers[n] = hands
    return w._replace(workers=tuple(workers))


# -- worlds that differ by names alone are one ------------------------------------------------------------------------

STALE, CURRENT = Held(0, 0, 0), Held(1, 1, 1)


def _canonical(w: World) -> World:
    """Workers in order, and of every token only whether it is the newest: an older one never becomes new again."""
    first, second = w.records
    tokens = first.token, second.token
    workers = sorted((_renamed(hands, tokens) for hands in w.workers), key=_order)
    return World((_forgetful(first), _forgetful(second)), w.killer, tuple(workers), "")


@cache
def _renamed(hands: Hands, tokens: tuple[int, ...]) -> Hands:
    def part(p: Part) -> Part:
        return p[0], CURRENT if p[1].token == tokens[p[0]] else STALE

    if all(held.token != tokens[i] for i, held in _parts(hands)):
        return Hands()  # all it has is lost: its writes find no row, as `life` explores
    current = part(hands.current) if hands.current else None
    return Hands(tuple(map(part, hands.waiting)), current, tuple(map(part, hands.group)))


@cache
def _forgetful(r: Record) -> Record:
    if r.state == P:
        return r._replace(token=1, lease=1, serial=1)
    if r.state == Q:
        return r._replace(token=1, lease=1, serial=1, alone=False, mates=0)
    return OVER[r.state]


OVER = {state: Record(state, token=1, lease=1, serial=1, effects=state == S) for state in TERMINAL}


def _order(hands: Hands) -> tuple[Any, ...]:
    return (hands.waiting, hands.current or (), hands.group)
