"""The parent of a dead child ends the leases of what the child claimed, by the name it claimed under (`expire`).

A hint that the broker doubled goes to two children of one parent under one id: is the id alone the claimant's name,
then the death of one ends the other's lease, and the reaper counts a death that did not happen.
"""

from collections.abc import Iterator
from typing import NamedTuple

from tests.explorer.engine import Step
from tests.explorer.judge import Judge, is_over
from tests.explorer.record import Held, Limits, Machine, P, Q, Record

ALIVE = "only the dead lose a lease before its time"


class World(NamedTuple):
    names: tuple[str, str]  # the id of the hint that each child follows
    records: tuple[Record, Record] = (Record(), Record())
    claimed_by: tuple[str, str] = ("", "")
    children: tuple[Held | None, Held | None] = (None, None)  # each runs the record of its own number
    born: tuple[int, int] = (0, 0)  # how many children each slot has had
    dead: tuple[str, ...] = ()  # names that the parent has yet to look up
    wrong: str = ""


class Parent:
    def __init__(self, name: str, cut: frozenset[str] = frozenset()) -> None:
        limits = Limits(2, 2, 1)
        self.name = name
        self.cut = cut
        self.machine = Machine(limits, cut)
        self.judge = Judge(limits)

    def initial(self) -> Iterator[tuple[str, World]]:
        yield "two hints", World(("a", "b"))
        yield "one hint, doubled", World(("a", "a"))

    def violated(self, w: World) -> str:
        return w.wrong

    def goal(self, w: World) -> bool:
        return all(map(is_over, w.records)) and w.children == (None, None)

    def steps(self, w: World) -> Iterator[Step]:
        if w.wrong:
            return
        for n, held in enumerate(w.children):
            yield from self._claim(w, n) if held is None else self._work(w, n, held)
            yield from self._reap(w, n)
        if w.dead:
            yield Step(f"the parent ends the leases of {w.dead[0]}", self._expire(w))

    def _claimant(self, w: World, n: int) -> str:
        """Without the rule, children that follow copies of one hint claim under one name."""
        if "a name for each child" in self.cut and w.names[0] == w.names[1]:
            return w.names[n]
        return f"{w.names[n]}/{n}/{w.born[n]}"

    def _claim(self, w: World, n: int) -> Iterator[Step]:
        r = w.records[n]
        if not self.machine.claimable(r):
            return
        after = self.machine.claim(r, r.serial + 1, r.serial + 1)
        claimed = self._write(w, n, "claim", after)._replace(claimed_by=_put(w.claimed_by, n, self._claimant(w, n)))
        held = Held(after.token, after.lease, after.serial)
        yield Step(f"child {n + 1}: claim", claimed._replace(children=_put(w.children, n, held)))

    def _work(self, w: World, n: int, held: Held) -> Iterator[Step]:
        without = w._replace(children=_put(w.children, n, None))
        if len(w.dead) < 2:
            dead, born = (*w.dead, self._claimant(w, n)), _put(w.born, n, w.born[n] + 1)
            yield Step(f"child {n + 1} dies", without._replace(dead=dead, born=born), False)
        after = self.machine.succeed(w.records[n], held)
        yield Step(f"child {n + 1}: succeed", self._write(without, n, "succeed", after, held) if after else without)

    def _expire(self, w: World) -> World:
        after = w._replace(dead=w.dead[1:])
        for n, r in enumerate(w.records):
            if r.state == P and w.claimed_by[n] == w.dead[0]:
                held = w.children[n]
                lives = held is not None and held.serial == r.serial
                after = after._replace(records=_put(after.records, n, r._replace(expired=True)))
                after = after._replace(wrong=ALIVE if lives else after.wrong)
        return after

    def _reap(self, w: World, n: int) -> Iterator[Step]:
        r = w.records[n]
        if r.state == P and not r.expired:
            alive = w.children[n] is not None
            yield Step(
                f"the lease of {n + 1} runs out",
                w._replace(records=_put(w.records, n, r._replace(expired=True))),
                not alive,
            )
        if (after := self.machine.reap(r)) is not None:
            yield Step(f"reap {n + 1}", self._write(w, n, "reap", after))
        if r.state == Q and (after := self.machine.exhaust(r)) is not None:
            yield Step(f"exhaust {n + 1}", self._write(w, n, "exhaust", after))

    def _write(self, w: World, n: int, arrow: str, after: Record, held: Held | None = None) -> World:
        wrong = self.judge.write(arrow, w.records[n], after, held)
        return w._replace(records=_put(w.records, n, after), wrong=w.wrong or wrong)


def _put(pair: tuple, n: int, value: object) -> tuple:
    return (value, pair[1]) if n == 0 else (pair[0], value)
