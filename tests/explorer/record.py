"""The record and its arrows, each guard as in the SQL file of its name. A removed rule is a name in `cut`."""

from typing import NamedTuple

Q, P, S, F, D = "queued", "processing", "succeeded", "failed_permanent", "dead_lettered"
TERMINAL = (S, F, D)
REVIEWABLE = (F, D)
EXHAUSTED, POISON, UNKNOWN, CANCELLED, PERMANENT = (
    "attempts_exhausted",
    "poison",
    "unknown_outcome",
    "cancelled",
    "permanent",
)
DISCARDED, SUPERSEDED = "discarded", "superseded"


class Limits(NamedTuple):
    """Small enough to explore, large enough that every bound is met, passed and told from the others."""

    cap: int = 2
    poison: int = 3
    bound: int = 1


class Record(NamedTuple):
    """The columns that guards read, then the ghosts: what is true whatever a mutant writes into the columns."""

    state: str = Q
    attempt: int = 0
    token: int = 0
    lease: int = 0
    expired: bool = False
    alone: bool = False
    solo: bool = False
    deaths: int = 0
    given_back: int = 0
    replays: int = 0
    reason: str = ""
    parked: bool = False
    resolution: str = ""
    # -- ghosts
    serial: int = 0  # number of the claim that holds it, or held it last
    mates: int = 0  # records that this claim took, itself included
    starts: int = 0  # claims since the last replay, less those that were rightly returned
    killed: int = 0  # leases that ran out while it was alone
    returned: int = 0  # attempts given back
    suspect: bool = False  # it was in a batch whose worker died
    effects: int = 0  # times that its database effect is in the database


class Held(NamedTuple):
    """What a worker remembers of a claim; the serial is a ghost."""

    token: int
    lease: int
    serial: int


OWNED = ("succeed", "retry", "fail", "dead_letter", "give_back", "terminate")


class Machine:
    """The statements, each for one record: the record after it, or None where the guard finds no row."""

    def __init__(self, limits: Limits, cut: frozenset[str] = frozenset()) -> None:
        self.limits = limits
        self.cut = cut
        self._own = {a: tuple(self._checks(a, part) for part in ("state", "token", "lease")) for a in OWNED}

    def _checks(self, arrow: str, part: str) -> bool:
        gone = {part, f"{part} of {arrow}"}
        if part != "state":
            gone |= {"fence", f"fence of {arrow}"}
        return not gone & self.cut

    def owns(self, arrow: str, r: Record, held: Held) -> bool:
        state, token, lease = self._own[arrow]
        late = "late success" in self.cut and arrow == "succeed" and r.state == D
        return (
            (not state or r.state == P or late)
            and (not token or r.token == held.token)
            and (not lease or r.lease == held.lease)
        )

    # -- queued → … ---------------------------------------------------------------------------------------------------

    def claimable(self, r: Record) -> bool:
        if r.state != Q and not ("state of claim" in self.cut and r.state == P):
            return False
        return not r.parked and (r.attempt < self.limits.cap or "cap of claim" in self.cut)

    def claim(self, r: Record, lease: int, serial: int, mates: int = 1) -> Record:
        return r._replace(
            state=P,
            attempt=r.attempt + ("attempt at claim" not in self.cut),
            token=r.token + ("token at claim" not in self.cut),
            lease=lease,
            expired=False,
            alone=mates == 1 or "alone" in self.cut,
            serial=serial,
            mates=mates,
            starts=r.starts + 1,
        )

    def exhaust(self, r: Record) -> Record | None:
        if r.state != Q or r.parked or r.attempt < self.limits.cap or "exhaust" in self.cut:
            return None
        return r._replace(state=D, reason=EXHAUSTED)

    def cancel(self, r: Record, token: int) -> Record | None:
        if (r.state != Q and "state of cancel" not in self.cut) or (
            r.token != token and "token of cancel" not in self.cut
        ):
            return None
        return r._replace(state=F, reason=CANCELLED, parked=False)

    # -- processing → … -----------------------------------------------------------------------------------------------

    def succeed(self, r: Record, held: Held) -> Record | None:
        if not self.owns("succeed", r, held):
            return None
        return r._replace(state=S, reason="", expired=False, effects=r.effects + 1)

    def retry(self, r: Record, held: Held) -> Record | None:
        if not self.owns("retry", r, held):
            return None
        attempt = r.attempt + ("attempt at claim" in self.cut)
        spent = attempt >= self.limits.cap and "cap of retry" not in self.cut
        return r._replace(state=D if spent else Q, reason=EXHAUSTED if spent else "", attempt=attempt, expired=False)

    def fail(self, r: Record, held: Held) -> Record | None:
        return r._replace(state=F, reason=PERMANENT, expired=False) if self.owns("fail", r, held) else None

    def dead_letter(self, r: Record, held: Held) -> Record | None:
        return r._replace(state=D, reason=UNKNOWN, expired=False) if self.owns("dead_letter", r, held) else None

    def terminate(self, r: Record, held: Held) -> Record | None:
        return r._replace(state=F, reason=CANCELLED, expired=False) if self.owns("terminate", r, held) else None

    def give_back(self, r: Record, held: Held, *, parked: bool = False, begun: bool = True) -> Record | None:
        if not self.owns("give_back", r, held):
            return None
        begun = begun and not parked
        due_back = not begun or r.given_back < self.limits.bound
        back = due_back or "bound of give_back" in self.cut
        back = back and not (parked and "free parking" in self.cut)
        return r._replace(
            state=Q,
            attempt=r.attempt - back,
            # PostgreSQL counts on; only "below the bound" is ever asked, and explored states must be finite
            given_back=min(r.given_back + 1, self.limits.bound) if begun else r.given_back,
            returned=r.returned + (back and begun),
            starts=r.starts - due_back,
            parked=parked,
            expired=False,
        )

    # -- by the reaper, by a person -----------------------------------------------------------------------------------

    def reap(self, r: Record) -> Record | None:
        if r.state != P or not (r.expired or "expiry of reap" in self.cut):
            return None
        return self.reaped(r)

    def reaped(self, r: Record) -> Record:
        """The SET of the statement, without its WHERE: what a reaper in two steps would do to any row."""
        pays = r.alone or "batch mates are free" in self.cut
        reason = self._verdict(r, pays)
        counted = "attempt at claim" not in self.cut
        return r._replace(
            state=D if reason else Q,
            reason=reason,
            attempt=r.attempt - (counted and not pays),
            deaths=r.deaths + pays,
            solo=r.solo or "solo after death" not in self.cut,
            expired=False,
            killed=r.killed + (r.mates == 1),
            starts=r.starts - (r.mates > 1),
            suspect=r.suspect or r.mates > 1,
        )

    def _verdict(self, r: Record, pays: bool) -> str:
        if pays and r.deaths + 1 >= self.limits.poison and "poison" not in self.cut:
            return POISON
        return EXHAUSTED if pays and r.attempt >= self.limits.cap and "cap of reap" not in self.cut else ""

    def discard(self, r: Record, token: int) -> Record | None:
        if r.state not in REVIEWABLE and "state of discard" not in self.cut:
            return None
        if r.resolution or (r.token != token and "token of discard" not in self.cut):
            return None
        return r._replace(resolution=DISCARDED, token=r.token + ("token at discard" not in self.cut))

    def supersede(self, r: Record, token: int) -> Record | None:
        """The record that gives its key away; its successor is a record of its own."""
        if r.state not in REVIEWABLE or (r.resolution == SUPERSEDED and "one successor" not in self.cut):
            return None
        if r.token != token and "token of supersede" not in self.cut:
            return None
        return r._replace(resolution=SUPERSEDED, token=r.token + ("one successor" not in self.cut))

    def replay(self, r: Record, token: int) -> Record | None:
        left = r.state in REVIEWABLE or (r.state == S and "state of replay" in self.cut)
        if not left or (r.token != token and "token of replay" not in self.cut):
            return None
        if r.resolution == SUPERSEDED and "no replay beside a successor" not in self.cut:
            return None
        fresh = "attempts after replay" not in self.cut
        return r._replace(
            state=Q,
            reason="",
            attempt=0 if fresh else r.attempt,
            given_back=0 if fresh else r.given_back,
            deaths=0 if fresh else r.deaths,
            replays=r.replays + 1,
            token=r.token + ("token at replay" not in self.cut),
            resolution="",
            starts=0,
            killed=0,
            returned=0,
        )
