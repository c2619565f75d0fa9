"""What a vendor on the bench answers: phases one after another, each with answers that take turns."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from itertools import cycle
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One answer. `delay` and `retry_after` are seconds; `never` keeps the caller waiting until it hangs up."""

    status: int = 200
    delay: float = 0.0
    retry_after: int | None = None
    never: bool = False

    def headers(self) -> dict[str, str]:
        return {} if self.retry_after is None else {"Retry-After": str(self.retry_after)}


OK = Answer()
BROKEN = Answer(status=500)
NEVER = Answer(never=True)


def busy(retry_after: int) -> Answer:
    """The answer of a vendor that asks its callers to wait, in seconds."""
    return Answer(status=429, retry_after=retry_after)


class Phase:
    """Answers that take turns, for so many calls or for so many seconds from the phase's start; without both, for ever.

    Seconds count from the moment the script is given to the vendor, or from the first call after the phase before.
    """

    def __init__(self, *answers: Answer, times: int | None = None, seconds: float | None = None) -> None:
        self.answers = answers
        self.times = times
        self.seconds = seconds

    def as_json(self) -> dict[str, Any]:
        return {"answers": [asdict(a) for a in self.answers], "times": self.times, "seconds": self.seconds}

    @classmethod
    def from_json(cls, told: dict[str, Any]) -> "Phase":
        return cls(*(Answer(**a) for a in told["answers"]), times=told["times"], seconds=told["seconds"])


ALWAYS_OK = (Phase(OK),)


@dataclass(slots=True)
class Script:
    """The vendor's side: hands out the answer of each call. The last phase never ends."""

    phases: Sequence[Phase]
    began: float  # of the phase, by the monotonic clock
    number: int = 0
    calls: int = 0
    turns: Any = field(init=False)

    def __post_init__(self) -> None:
        self.turns = cycle(self.phases[0].answers)

    def next(self, now: float) -> Answer:
        while self._is_over(now):
            self._go_on(now)
        self.calls += 1
        return next(self.turns)

    def _is_over(self, now: float) -> bool:
        phase = self.phases[self.number]
        if self.number + 1 == len(self.phases):
            return False
        used_up = phase.times is not None and self.calls >= phase.times
        return used_up or (phase.seconds is not None and now - self.began >= phase.seconds)

    def _go_on(self, now: float) -> None:
        seconds = self.phases[self.number].seconds
        self.began = min(now, self.began + seconds) if seconds is not None else now
        self.number, self.calls = self.number + 1, 0
        self.turns = cycle(self.phases[self.number].answers)
