"""What must be true of every write, judged by the ghosts: weak invariants let wrong designs pass."""

from idempotency.states import ARROWS
from tests.explorer.record import EXHAUSTED, POISON, REVIEWABLE, SUPERSEDED, TERMINAL, D, Held, Limits, P, Q, Record, S

LEGAL = frozenset((a.name, a.source and a.source.value, a.target.value) for a in ARROWS)

LEFT = "succeeded is never left"
ILLEGAL = "only legal arrows"
HOLDER = "only the holder or the reaper moves a processing record"
REAPER = "the reaper takes only what has run out"
TOKEN = "a fencing token never repeats"
CAPPED = "attempts stay within the cap"
EARLY = "dead-lettered only at the cap, as poison or as unknown"
SPENT = "a job that spent its attempts, or its workers, is not queued again by a machine"
BOUNDED = "returned attempts are bounded"
INNOCENT = "an innocent batch-mate never pays for a death"
SUSPECT = "a suspect is claimed alone"
ONCE = "the database effect is there once, and only with success"
FRESH = "a replay gives all attempts"
REPLACED = "what a successor has replaced never runs again"


class Judge:
    """Collects which arrows were seen, and finds what is wrong with a write."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.seen: set[tuple[str, str | None, str]] = set()

    def write(self, arrow: str, before: Record, after: Record, held: Held | None = None) -> str:
        """Name of the broken invariant, or an empty string. `held` is what the writing worker remembers."""
        move = (arrow, before.state, after.state)
        self.seen.add(move)
        if before.state == S:
            return LEFT
        if move not in LEGAL:
            return ILLEGAL
        if before.resolution == SUPERSEDED:
            return REPLACED
        return self._ownership(arrow, before, held) or self._price(arrow, before, after) or self.record(after)

    def succession(self, before: Record) -> str:
        """A successor is written, which takes the key of the record that it replaces."""
        self.seen.add(("supersede", None, Q))
        if before.state not in REVIEWABLE:
            return ILLEGAL
        return REPLACED if before.resolution == SUPERSEDED else ""

    @staticmethod
    def _ownership(arrow: str, before: Record, held: Held | None) -> str:
        if before.state != P:
            return ""
        if arrow == "reap":
            return "" if before.expired else REAPER
        return "" if held is not None and held.serial == before.serial else HOLDER

    def _price(self, arrow: str, before: Record, after: Record) -> str:
        if arrow in ("claim", "replay", "discard") and after.token != before.token + 1:
            return TOKEN
        if arrow == "claim" and before.suspect and after.mates > 1:
            return SUSPECT
        if arrow == "reap" and before.mates > 1 and (after.state != Q or after.deaths > before.deaths):
            return INNOCENT
        if arrow == "reap" and before.mates > 1 and after.attempt > after.starts:
            return INNOCENT
        if arrow == "replay" and (after.attempt, after.deaths, after.given_back) != (0, 0, 0):
            return FRESH
        return self._verdict(arrow, after)

    def _verdict(self, arrow: str, after: Record) -> str:
        killer, spent = after.killed >= self.limits.poison, after.starts >= self.limits.cap
        if after.state == D and not {POISON: killer, EXHAUSTED: spent}.get(after.reason, True):
            return EARLY
        if after.state == Q and (killer or (spent and arrow != "give_back")):
            return SPENT
        return ""

    def record(self, r: Record) -> str:
        """What must be true of a record at any time."""
        if max(r.attempt, r.starts) > self.limits.cap or r.attempt < 0:
            return CAPPED
        if r.returned > self.limits.bound:
            return BOUNDED
        return "" if r.effects == (r.state == S) else ONCE


def is_over(r: Record) -> bool:
    """Ended, or waiting for a person."""
    return r.state in TERMINAL
