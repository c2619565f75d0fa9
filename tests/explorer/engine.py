"""An explicit-state explorer: every reachable state, breadth first, so that the first violation has the shortest trace.

Safety is a predicate on states. Liveness is "from every reachable state the goal can be reached over fair steps alone":
faults may happen or not, but a recovery that needs another fault is none.
"""

import time
from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

STUCK = "every accepted record ends, or waits for a person"


class Step(NamedTuple):
    """One atomic change. `fair` is False where something went wrong, or where nobody has to act."""

    label: str
    state: Any
    fair: bool = True


class Model(Protocol):
    name: str

    def initial(self) -> Iterator[tuple[str, Hashable]]:
        """The states it may begin in, each with a name."""

    def steps(self, state: Any) -> Iterator[Step]: ...

    def violated(self, state: Any) -> str:
        """Name of a broken invariant, or an empty string."""

    def goal(self, state: Any) -> bool: ...


@dataclass(frozen=True, slots=True)
class Violation:
    invariant: str
    trace: tuple[str, ...]
    state: Any


@dataclass(frozen=True, slots=True)
class Explored:
    name: str
    states: int
    transitions: int
    faults: int
    seconds: float
    violation: Violation | None


class _Search:
    def __init__(self, model: Model) -> None:
        self.model = model
        self.numbers: dict[Any, int] = {}
        self.states: list[Any] = []
        self.came_from: list[tuple[int, str]] = []
        self.fair_sources: list[list[int]] = []
        self.transitions = self.faults = 0

    def number(self, state: Any, source: int, label: str) -> int:
        found = self.numbers.get(state)
        if found is None:
            found = self.numbers[state] = len(self.states)
            self.states.append(state)
            self.came_from.append((source, label))
            self.fair_sources.append([])
        return found

    def run(self) -> Violation | None:
        for label, state in self.model.initial():
            self.number(state, -1, label)
        current = 0
        while current < len(self.states):
            if broken := self.model.violated(self.states[current]):
                return self.violation(broken, current)
            self.expand(current)
            current += 1
        return self.find_stuck()

    def expand(self, current: int) -> None:
        for label, state, fair in self.model.steps(self.states[current]):
            self.transitions += 1
            target = self.number(state, current, label)
            if fair:
                self.fair_sources[target].append(current)
            else:
                self.faults += 1

    def find_stuck(self) -> Violation | None:
        """Walk backwards from the goals; the first state that is not met can never recover."""
        waiting = [n for n, state in enumerate(self.states) if self.model.goal(state)]
        met = bytearray(len(self.states))
        for n in waiting:
            met[n] = 1
        while waiting:
            for source in self.fair_sources[waiting.pop()]:
                if not met[source]:
                    met[source] = 1
                    waiting.append(source)
        stuck = met.find(0)
        return None if stuck < 0 else self.violation(STUCK, stuck)

    def violation(self, invariant: str, number: int) -> Violation:
        trace, state = [], self.states[number]
        while number >= 0:
            number, label = self.came_from[number]
            trace.append(label)
        return Violation(invariant, tuple(reversed(trace)), state)


def explore(model: Model) -> Explored:
    """Visit every state, or stop at the first violation."""
    began = time.process_time()
    search = _Search(model)
    violation = search.run()
    seconds = time.process_time() - began
    return Explored(model.name, len(search.states), search.transitions, search.faults, seconds, violation)
