"""Two people look at a record's page and decide, early or late, once or twice, while workers go on with it."""

from collections.abc import Iterator
from typing import NamedTuple

from tests.explorer.engine import Step
from tests.explorer.judge import Judge, is_over
from tests.explorer.record import REVIEWABLE, TERMINAL, Held, Limits, Machine, P, Q, Record

UNSEEN = "a person's decision falls on what the page showed"


class Page(NamedTuple):
    """The token is what the form sends back; the rest is a ghost that tells one stay in a state from another."""

    token: int
    stay: tuple[str, int, int, str]


class World(NamedTuple):
    record: Record
    pages: tuple[Page | None, Page | None] = (None, None)
    wrong: str = ""


class Person:
    """Args: how often people replay; whether they also let a job rest, by discarding or by replacing it."""

    def __init__(self, name: str, cut: frozenset[str] = frozenset(), *, replays: int = 2, rests: bool = False) -> None:
        limits = Limits(2, 3, 1)
        self.name = name
        self.cut = cut
        self.machine = Machine(limits, cut)
        self.judge = Judge(limits)
        self.replays = replays
        self.rests = rests

    def initial(self) -> Iterator[tuple[str, World]]:
        yield "enqueue", World(Record())

    def violated(self, w: World) -> str:
        return w.wrong

    def goal(self, w: World) -> bool:
        return is_over(w.record)

    def steps(self, w: World) -> Iterator[Step]:
        if w.wrong:
            return
        yield from self._machines(w)
        for n, page in enumerate(w.pages):
            yield Step(f"person {n + 1} opens the page", _put(w, n, _page(w.record)), False)
            if page is not None:
                yield from self._decide(w, n, page)

    def _machines(self, w: World) -> Iterator[Step]:
        """Claims, outcomes and the reaper, without what `life` explores about them."""
        r = w.record
        if self.machine.claimable(r):
            yield Step("claim", self._write(w, "claim", self.machine.claim(r, r.serial + 1, r.serial + 1)))
        if (after := self.machine.exhaust(r)) is not None:
            yield Step("exhaust", self._write(w, "exhaust", after))
        if r.state == P:
            held = Held(r.token, r.lease, r.serial)
            for arrow in ("succeed", "retry", "fail", "give_back"):
                after = getattr(self.machine, arrow)(r, held)
                yield Step(arrow, self._write(w, arrow, after, held))
            expired = r._replace(expired=True)
            yield Step(
                "the lease runs out; reap",
                self._write(w._replace(record=expired), "reap", self.machine.reaped(expired)),
            )

    def _decide(self, w: World, n: int, page: Page) -> Iterator[Step]:
        """The buttons are those of the state that the page showed; a click's lost answer is a second click."""
        r = w.record
        if page.stay[0] == Q and (after := self.machine.cancel(r, page.token)) is not None:
            yield Step(f"person {n + 1}: cancel", self._decided(w, "cancel", after, page), False)
        replayable = page.stay[0] in REVIEWABLE and (r.replays < self.replays or r.state not in REVIEWABLE)
        if replayable and (after := self.machine.replay(r, page.token)) is not None:
            yield Step(f"person {n + 1}: replay", self._decided(w, "replay", after, page), False)
        if self.rests and page.stay[0] in REVIEWABLE:
            if (after := self.machine.discard(r, page.token)) is not None:
                yield Step(f"person {n + 1}: discard", self._decided(w, "discard", after, page), False)
            if (after := self.machine.supersede(r, page.token)) is not None:
                yield Step(f"person {n + 1}: supersede", self._superseded(w, after, page), False)

    def _superseded(self, w: World, after: Record, page: Page) -> World:
        wrong = self.judge.succession(w.record) or ("" if page.stay == _page(w.record).stay else UNSEEN)
        return w._replace(record=after, wrong=wrong)

    def _decided(self, w: World, arrow: str, after: Record, page: Page) -> World:
        done = self._write(w, arrow, after)
        return done if done.wrong or page.stay == _page(w.record).stay else done._replace(wrong=UNSEEN)

    def _write(self, w: World, arrow: str, after: Record, held: Held | None = None) -> World:
        return w._replace(record=after, wrong=self.judge.write(arrow, w.record, after, held))


def _page(r: Record) -> Page:
    settled = r.state if r.state in TERMINAL else "live" if r.state == P else Q
    return Page(r.token, (settled, r.serial, r.replays, r.resolution))


def _put(w: World, n: int, page: Page) -> World:
    pages = (page, w.pages[1]) if n == 0 else (w.pages[0], page)
    return w._replace(pages=pages)
