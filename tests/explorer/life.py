"""One record and two workers: every outcome, death and lost answer at every write, zombies, the reaper, a replay.

A worker that is not told of its lease's end goes on for ever, so zombies need no steps of their own.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

from tests.explorer.engine import Step
from tests.explorer.judge import Judge, is_over
from tests.explorer.record import REVIEWABLE, Held, Limits, Machine, P, Q, Record

BODY = "body"  # the phase in which the job runs; any other phase names the arrow that is tried again
Worker = tuple[str, Held] | None


class World(NamedTuple):
    record: Record
    workers: tuple[Worker, ...]
    reaper: bool = False  # a reaper in two steps has read the record's id
    parks: int = 0
    wrong: str = ""


class Life:
    """Args: what bodies may lead to, how often a person replays, how often a worker may find the task unknown."""

    def __init__(
        self,
        name: str,
        cut: frozenset[str] = frozenset(),
        *,
        limits: Limits = Limits(),  # noqa: B008 - frozen
        outcomes: tuple[str, ...] = ("succeed", "retry", "fail", "dead_letter", "give_back"),
        replays: int = 1,
        parks: int = 0,
        workers: int = 2,
    ) -> None:
        self.name = name
        self.cut = cut
        self.machine = Machine(limits, cut)
        self.judge = Judge(limits)
        self.outcomes = outcomes
        self.replays = replays
        self.parks = parks
        self.workers = workers

    def initial(self) -> Iterator[tuple[str, World]]:
        yield "enqueue", World(Record(), (None,) * self.workers)

    def violated(self, w: World) -> str:
        return w.wrong

    def goal(self, w: World) -> bool:
        return is_over(w.record) and not any(w.workers)

    def steps(self, w: World) -> Iterator[Step]:
        if w.wrong:
            return
        for n, worker in enumerate(w.workers):
            if worker is None:
                if n == 0 or w.workers[n - 1] is not None:  # idle workers are one case
                    yield from self._claim(w, n)
            else:
                yield from self._work(w, n, worker)
        yield from self._time(w)
        yield from self._reap(w)
        yield from self._others(w)

    # -- a worker -----------------------------------------------------------------------------------------------------

    def _claim(self, w: World, n: int) -> Iterator[Step]:
        r = w.record
        if not self.machine.claimable(r):
            return
        serial = r.serial + 1
        after = self.machine.claim(r, lease=serial, serial=serial)
        claimed = self._write(w, "claim", after)
        held = Held(after.token, after.lease, after.serial)
        yield Step("claim", _put(claimed, n, (BODY, held)))
        yield Step("claim, its answer is lost", claimed, False)

    def _work(self, w: World, n: int, worker: tuple[str, Held]) -> Iterator[Step]:
        phase, held = worker
        yield Step(f"worker of token {held.token} dies", _put(w, n, None), False)
        ended = self.machine.terminate(w.record, held)  # a person asked for it: the parent kills it and knows its claim
        yield Step(
            f"worker of token {held.token} is ended", self._settled(_put(w, n, None), "terminate", ended, held), False
        )
        if phase != BODY:
            yield from self._settle(w, n, held, phase)
            return
        for outcome in self.outcomes:
            yield from self._settle(w, n, held, outcome)
        if w.parks < self.parks:
            parked = self.machine.give_back(w.record, held, parked=True)
            yield Step(
                "give_back, parked",
                self._settled(_put(w, n, None), "give_back", parked, held)._replace(parks=w.parks + 1),
                False,
            )

    def _settle(self, w: World, n: int, held: Held, arrow: str) -> Iterator[Step]:
        """The write with its answer, or without: then it is tried again, and a commit's error is taken as a failure."""
        idle = _put(w, n, None)
        after = getattr(self.machine, arrow)(w.record, held)
        if after is None:
            yield Step(f"{arrow} of token {held.token} finds no row", self._not_owner(idle, arrow))
            return
        if arrow == "succeed" and "one transaction" in self.cut:
            yield from self._effect_first(w)
            return
        done = self._settled(w, arrow, after, held)
        yield Step(f"{arrow} by token {held.token}", _put(done, n, None))
        yield Step(f"{arrow} by token {held.token}, its answer is lost", _put(done, n, (arrow, held)), False)
        if arrow == "succeed":
            yield Step(f"commit of token {held.token} answers with an error", _put(done, n, ("retry", held)), False)

    def _settled(self, w: World, arrow: str, after: Record | None, held: Held) -> World:
        return w if after is None else self._write(w, arrow, after, held)

    def _not_owner(self, w: World, arrow: str) -> World:
        """No row: roll back and stop. The mutant commits its effect all the same."""
        if arrow != "succeed" or "roll back without a row" not in self.cut:
            return w
        return self._checked(w._replace(record=w.record._replace(effects=w.record.effects + 1)))

    def _effect_first(self, w: World) -> Iterator[Step]:
        """A mutant: the effect commits before the settle."""
        r = w.record
        yield Step("the effect commits alone", self._checked(w._replace(record=r._replace(effects=r.effects + 1))))

    # -- time, reaper, person -----------------------------------------------------------------------------------------

    def _time(self, w: World) -> Iterator[Step]:
        r = w.record
        if r.state == P and not r.expired:
            alive = any(worker and worker[1].serial == r.serial for worker in w.workers)
            yield Step("the lease runs out", w._replace(record=r._replace(expired=True)), not alive)

    def _reap(self, w: World) -> Iterator[Step]:
        r = w.record
        if "one reap statement" in self.cut:
            if w.reaper and r.state == P:
                yield Step(
                    "reap, by the id read before", self._write(w, "reap", self.machine.reaped(r))._replace(reaper=False)
                )
            elif r.state == P and r.expired:
                yield Step("the reaper reads an id", w._replace(reaper=True))
            return
        if (after := self.machine.reap(r)) is not None:
            yield Step("reap", self._write(w, "reap", after))
        if (after := self.machine.exhaust(r)) is not None:
            yield Step("exhaust", self._write(w, "exhaust", after))

    def _others(self, w: World) -> Iterator[Step]:
        r = w.record
        if r.replays < self.replays and (r.state in REVIEWABLE or "state of replay" in self.cut):
            after = self.machine.replay(r, r.token)
            if after is not None:
                yield Step("replay", self._write(w, "replay", after), False)
        if r.state == Q and r.parked:
            yield Step("unpark", w._replace(record=r._replace(parked=False)))

    # -- shapes -------------------------------------------------------------------------------------------------------

    def _write(self, w: World, arrow: str, after: Record, held: Held | None = None) -> World:
        return w._replace(record=after, wrong=self.judge.write(arrow, w.record, after, held))

    def _checked(self, w: World) -> World:
        return w._replace(wrong=self.judge.record(w.record))


def _put(w: World, n: int, worker: Worker) -> World:
    """Workers are alike: they are kept in order, so that two worlds that differ by their names are one."""
    workers = (*w.workers[:n], worker, *w.workers[n + 1 :])
    return w._replace(workers=tuple(sorted(workers, key=_order)))


def _order(worker: Worker) -> Any:
    return ("", 0) if worker is None else (worker[0], worker[1].serial)
