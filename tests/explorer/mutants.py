"""Rules taken out of the machine, one at a time: each must be caught, by the invariant named here.

`cut` names the rule as the models ask for it. A rule that another one covers needs both removed, and says so.
"""

from dataclasses import dataclass

from tests.explorer import enqueue, judge, parent, person, relay, vendor
from tests.explorer.engine import STUCK
from tests.explorer.record import OWNED


@dataclass(frozen=True, slots=True)
class Mutant:
    name: str
    configuration: str
    cut: frozenset[str]
    invariant: str
    in_code: bool = False  # the code has no such rule yet: the counter-example is one of ours

    def __str__(self) -> str:
        return self.name


def _mutant(name: str, configuration: str, invariant: str, *cut: str, in_code: bool = False) -> Mutant:
    return Mutant(name, configuration, frozenset(cut), invariant, in_code)


OWNERSHIP = (
    _mutant("writes check neither token nor lease", "life", judge.HOLDER, "fence"),
    _mutant("writes check the lease alone", "fence", judge.HOLDER, "token"),
    _mutant("writes check the token alone", "fence", judge.HOLDER, "lease"),
    _mutant("writes do not check the state", "life", judge.LEFT, "state"),
    *(_mutant(f"{a} is guarded by the state alone", "life", judge.HOLDER, f"fence of {a}") for a in OWNED),
    _mutant("succeed does not check the state", "life", judge.LEFT, "state of succeed"),
    _mutant("retry does not check the state", "life", judge.LEFT, "state of retry"),
    _mutant("fail does not check the state", "life", judge.ILLEGAL, "state of fail"),
    _mutant("dead_letter does not check the state", "life", judge.ILLEGAL, "state of dead_letter"),
    _mutant("give_back does not check the state", "life", judge.ILLEGAL, "state of give_back"),
    _mutant("a late success is taken on a dead letter", "life", judge.ILLEGAL, "late success"),
    _mutant("no row is no reason to roll back", "life", judge.ONCE, "roll back without a row"),
    _mutant("the effect commits before the settle", "life", judge.ONCE, "one transaction"),
    _mutant("claim does not check the state", "life", judge.ILLEGAL, "state of claim"),
    _mutant("claim does not raise the token", "life", judge.TOKEN, "token at claim"),
)
REAPER = (
    _mutant("the reaper works in two steps without a second look", "life", judge.REAPER, "one reap statement"),
    _mutant("the reaper does not ask whether the lease ran out", "life", judge.REAPER, "expiry of reap"),
    _mutant("the reaper ignores the cap", "attempts", judge.SPENT, "cap of reap", "poison"),
    _mutant("the reaper charges batch-mates", "batch", judge.INNOCENT, "batch mates are free"),
    _mutant("a claim calls every record alone", "batch", judge.INNOCENT, "alone"),
    _mutant("survivors of a batch are claimed together again", "batch", judge.SUSPECT, "solo after death"),
    _mutant("a claim ignores solo", "batch", judge.SUSPECT, "solo in claim"),
    _mutant("poison is never counted", "attempts", judge.SPENT, "poison"),
)
ATTEMPTS = (
    _mutant("attempts count when they end", "attempts", judge.CAPPED, "attempt at claim"),
    _mutant("a claim ignores the cap", "attempts", judge.CAPPED, "cap of claim"),
    _mutant("a retry ignores the cap", "attempts", judge.SPENT, "cap of retry"),
    _mutant("attempts are given back without a bound", "attempts", judge.BOUNDED, "bound of give_back"),
    _mutant("a parked record pays", "attempts", judge.EARLY, "free parking"),
    _mutant("nobody ends what is queued without attempts", "attempts", STUCK, "exhaust"),
)
PEOPLE = (
    _mutant("replay without the token of the page", "person", person.UNSEEN, "token of replay"),
    _mutant("cancel without the token of the page", "person", person.UNSEEN, "token of cancel"),
    _mutant("cancel does not check the state", "person", judge.ILLEGAL, "state of cancel"),
    _mutant("replay does not check the state", "life", judge.LEFT, "state of replay"),
    _mutant("replay does not raise the token", "person", judge.TOKEN, "token at replay"),
    _mutant("a replay leaves the old attempts", "person", judge.FRESH, "attempts after replay"),
    _mutant("discard without the token of the page", "review", person.UNSEEN, "token of discard"),
    _mutant("discard does not check the state", "review", judge.ILLEGAL, "state of discard", "token of discard"),
    _mutant("discard does not raise the token", "review", judge.TOKEN, "token at discard"),
    _mutant("a corrected payload without the token of the page", "review", person.UNSEEN, "token of supersede"),
    _mutant("a record is replaced twice", "review", judge.REPLACED, "one successor"),
    _mutant("a replaced record is replayed", "review", judge.REPLACED, "no replay beside a successor"),
)
EFFECTS = (
    _mutant("the vendor's key changes with the attempt", "vendor", vendor.TWICE, "stable key"),
    _mutant("the vendor's key changes with a replay", "vendor", vendor.TWICE, "key over replays"),
    _mutant("already_done is skipped", "vendor", vendor.TWICE, "already_done"),
    _mutant("a body may outlive its lease", "vendor", vendor.TWICE, "hard limit"),
    _mutant("no intent is noted before the call", "vendor", vendor.TWICE, "intent", "unknown outcome"),
    _mutant("an unknown outcome is sent again", "vendor", vendor.TWICE, "unknown outcome"),
    _mutant("the intent is noted without the guard", "vendor", vendor.TWICE, "fenced intent", "hard limit"),
    _mutant("any error takes the intent back", "vendor", vendor.TWICE, "proof"),
    _mutant("the intent is taken back without the guard", "vendor", vendor.TWICE, "guard of taking back"),
    _mutant("the reaper forgets the intent", "vendor", vendor.TWICE, "intent after reap"),
    _mutant("a payload is corrected in doubt", "vendor", vendor.TWICE, "intent of supersede"),
)
ENQUEUE = (
    _mutant("busy is taken for a duplicate", "enqueue", enqueue.NOBODY, "wait for the other"),
    _mutant("a key is taken only while its record lives", "enqueue", enqueue.TOO_SOON, "dedupe after the end"),
    _mutant("prune drops the key", "enqueue", enqueue.TOO_SOON, "tombstone"),
    _mutant("the tombstone comes in a second step", "enqueue", enqueue.NOBODY, "one prune statement"),
    _mutant("who finds nobody does not look again", "enqueue", enqueue.NOBODY, "loop"),
    _mutant("another payload gets the same handle", "enqueue", enqueue.OTHER_WORK, "fingerprint"),
    _mutant("free_key takes the key of a live record", "enqueue", enqueue.TOO_SOON, "guard of free_key"),
    _mutant(
        "replay although a newer record has the key",
        "enqueue",
        enqueue.TWO_LIVE,
        "newer record in replay",
    ),
)
HINTS = (
    _mutant("there is no relay", "relay", STUCK, "relay"),
    _mutant("a hint before the commit, and no relay", "relay", STUCK, "relay", "hint after commit"),
    _mutant("the relay keeps books of what it sent", "relay", STUCK, "books"),
    _mutant("the relay trusts a cursor of ids", "relay", STUCK, "cursor"),
    _mutant("the relay does not look at the depth", "relay", relay.FULL, "depth"),
    _mutant("two relays top up one queue at once", "relay", relay.FULL, "relay's lock"),
    _mutant("a claim ignores the pause", "relay", relay.PAUSED, "pause in claim"),
    _mutant("the relay ignores the pause", "relay", relay.REFUSED, "pause in relay"),
    _mutant("a claim that finds nothing sends the hint back", "relay", STUCK, "drop the hint"),
    _mutant("a claim trusts the hint that a record is due", "relay", relay.EARLY, "due in claim"),
    _mutant("a claimant is named by its hint alone", "parent", parent.ALIVE, "a name for each child"),
)
MUTANTS = {m.name: m for m in (*OWNERSHIP, *REAPER, *ATTEMPTS, *PEOPLE, *EFFECTS, *ENQUEUE, *HINTS)}
