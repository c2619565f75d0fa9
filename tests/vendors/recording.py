"""What a vendor was asked: every call with its arrival, and what follows from the arrivals alone."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Call:
    """One request. Moments are of the monotonic clock, which all processes of a machine share."""

    at: float  # its first byte was read
    until: float | None  # it was answered, or its caller hung up; None: it still waits
    path: str
    account: str
    number: int
    attempt: int
    status: int | None  # None: not answered


class Recording(Sequence[Call]):
    """Calls in the order of their arrival. All spans are seconds."""

    def __init__(self, calls: Iterable[Call]) -> None:
        self._calls = sorted(calls, key=lambda call: call.at)
        self.arrivals = [call.at for call in self._calls]

    def __getitem__(self, index: Any) -> Any:
        return self._calls[index]

    def __len__(self) -> int:
        return len(self._calls)

    def __iter__(self) -> Iterator[Call]:
        return iter(self._calls)

    def between(self, start: float, end: float = float("inf")) -> "Recording":
        """The calls that arrived in [start, end)."""
        return Recording(self._calls[bisect_left(self.arrivals, start) : bisect_left(self.arrivals, end)])

    def of(self, account: str) -> "Recording":
        return Recording(call for call in self._calls if call.account == account)

    def answered(self, status: int) -> "Recording":
        return Recording(call for call in self._calls if call.status == status)

    def per_account(self) -> Counter[str]:
        return Counter(call.account for call in self._calls)

    def per_window(self, seconds: float = 1.0) -> list[int]:
        """How many calls each of the windows that follow the first arrival saw."""
        if not self.arrivals:
            return []
        first = self.arrivals[0]
        counted = Counter(int((at - first) / seconds) for at in self.arrivals)
        return [counted[window] for window in range(max(counted) + 1)]

    def most_within(self, seconds: float = 1.0) -> int:
        """The largest number of calls in any window [t, t + seconds), wherever it begins."""
        # A fullest window can be moved until it begins with a call.
        return max((bisect_left(self.arrivals, at + seconds) - n for n, at in enumerate(self.arrivals)), default=0)

    def most_at_once(self) -> int:
        """The largest number of calls that were at the vendor at the same moment."""
        changes = [(call.at, 1) for call in self._calls]
        changes += [(call.until, -1) for call in self._calls if call.until is not None]
        most = now = 0
        for _, change in sorted(changes):  # who leaves at the moment at which another comes has left before
            now += change
            most = max(most, now)
        return most

    @property
    def span(self) -> float:
        """From the first arrival to the last."""
        return self.arrivals[-1] - self.arrivals[0] if self.arrivals else 0.0

    def utilisation(self, rate: float) -> float:
        """The share of `rate` calls a second that was used between the first call and the last."""
        return (len(self) - 1) / (rate * self.span) if self.span else 0.0

    def longest_gap(self) -> float:
        """The longest time without a call between the first and the last."""
        return max((b - a for a, b in zip(self.arrivals, self.arrivals[1:], strict=False)), default=0.0)
