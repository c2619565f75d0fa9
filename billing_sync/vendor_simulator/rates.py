"""Which faults the simulator commits, how often, and how bad: parsed from the command line, drawn with a seed."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from random import Random

DRAWS = 1 << 64


class Fault(StrEnum):
    """What can go wrong with one request; at most one does."""

    RATE_LIMITED = "rate_limited"  # 429, with every form of Retry-After
    SERVER_ERROR = "server_error"  # 500, 502, and 503 with and without Retry-After
    TIMEOUT_BEFORE = "timeout_before"  # no answer, no effect
    TIMEOUT_AFTER = "timeout_after"  # no answer, but the effect
    RESET_BEFORE = "reset_before"  # the connection is torn down, no effect
    RESET_AFTER = "reset_after"  # the connection is torn down after the effect
    SLOW_DRIP = "slow_drip"  # the effect, and an answer in single bytes


# Not of a request but of a document: whoever asks again gets the same refusal.
INVALID = "invalid"

PROFILES: Mapping[str, Mapping[str, float]] = {
    "none": {},
    # Every fault within a few hundred requests, and nearly every document synced at the first or second attempt.
    "demo": {
        Fault.RATE_LIMITED: 0.004,
        Fault.SERVER_ERROR: 0.03,
        Fault.TIMEOUT_BEFORE: 0.005,
        Fault.TIMEOUT_AFTER: 0.01,
        Fault.RESET_BEFORE: 0.01,
        Fault.RESET_AFTER: 0.01,
        Fault.SLOW_DRIP: 0.005,
        INVALID: 0.005,
    },
    # A vendor on its worst day: every third request fails.
    "storm": {
        Fault.RATE_LIMITED: 0.04,
        Fault.SERVER_ERROR: 0.12,
        Fault.TIMEOUT_BEFORE: 0.03,
        Fault.TIMEOUT_AFTER: 0.05,
        Fault.RESET_BEFORE: 0.03,
        Fault.RESET_AFTER: 0.05,
        Fault.SLOW_DRIP: 0.02,
        INVALID: 0.02,
    },
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Severity:
    """Seconds, but for the last."""

    hold: float = 15.0  # how long a time-out keeps the connection: longer than the client waits
    drip: float = 2.0  # how long the bytes of a slow answer take
    retry_after_max: float = 1.0
    absurd_retry_after: bool = False  # also ask for centuries, and in words


@dataclass(frozen=True, slots=True)
class Rates:
    """Shares of requests, and under `invalid` of documents; each from 0 to 1."""

    seed: int = 0
    shares: Mapping[str, float] = field(default_factory=dict)

    def draws(self) -> Random:
        return Random(self.seed)  # noqa: S311 - no secret

    def draw(self, random: Random) -> Fault | None:
        """The fault of the next request."""
        luck = random.random()
        for fault in Fault:
            luck -= self.shares.get(fault, 0)
            if luck < 0:
                return fault
        return None

    def refuses(self, external_id: str) -> bool:
        """Whether this document is one of those that are never accepted, in this run and in any with the same seed."""
        digest = hashlib.sha256(f"{self.seed}/{external_id}".encode()).digest()
        return int.from_bytes(digest[:8]) < self.shares.get(INVALID, 0) * DRAWS


def parse_rates(text: str, seed: int) -> Rates:
    """Rates from "demo", "rate_limited=0.1,timeout_after=0.05" or both, the latter winning. Raises ValueError."""
    shares: dict[str, float] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, has_rate, rate = part.partition("=")
        shares |= {_known(name): _share(part, rate)} if has_rate else _profile(name)
    total = sum(share for name, share in shares.items() if name != INVALID)
    if total > 1:
        raise ValueError(f"the rates add up to {total:g}; a request has at most one fault, so 1 is the most.")
    return Rates(seed, shares)


def _profile(name: str) -> Mapping[str, float]:
    if name not in PROFILES:
        raise ValueError(f"there is no profile {name!r}; choose {', '.join(PROFILES)}, or give rates as NAME=0.1.")
    return PROFILES[name]


def _known(name: str) -> str:
    names = [*Fault, INVALID]
    if name not in names:
        raise ValueError(f"there is no fault {name!r}; choose from {', '.join(names)}.")
    return name


def _share(part: str, rate: str) -> float:
    try:
        share = float(rate)
    except ValueError:
        share = -1
    if not 0 <= share <= 1:
        raise ValueError(f"{part!r} is no rate; write a number from 0 to 1.")
    return share
