"""What a work is given: servers, numbers, who is compared, and a bar to move on."""

import os
import subprocess
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.benchmarks.arena import Arena
from tests.benchmarks.contenders import Contender, Setup


@dataclass(frozen=True)
class Stage:
    """Args:
    rounds: of each contender.
    jobs: that ours drains in a round; each peer its share of it.
    history: terminal records, for the work of that name.
    peers: names of those that are compared besides stock Celery.
    advance: is called after each turn with what was done.
    left_out: peers, and why; filled as they are met.
    """

    arena: Arena
    rounds: int
    jobs: int
    history: int
    peers: Sequence[str]
    advance: Callable[[str], None]
    left_out: dict[str, str]
    load: list[float] = field(default_factory=list)

    def available(self, setups: Iterable[Setup]) -> list[Setup]:
        """Those that can be installed here. A peer that cannot is named in the report, and ends nothing."""
        found = []
        for setup in setups:
            try:
                self.advance(f"{setup.name}: installing")
                assert setup.python
            except subprocess.CalledProcessError as error:
                self.left_out[setup.name] = f"{error.cmd[-1]} cannot be installed"
            else:
                found.append(setup)
        return found

    @contextmanager
    def contenders(self, *setups: Setup, workers: bool = True) -> Iterator[list[Contender]]:
        """Started, warmed up and frozen; stopped at the end."""
        started: list[Contender] = []
        try:
            for setup in setups:
                self.advance(f"{setup.name}: starting")
                started.append(Contender(setup, self.arena, workers=workers))
            yield started
        finally:
            for contender in started:
                contender.stop()

    def turns(self, contenders: Sequence[Contender]) -> Iterator[list[Contender]]:
        """The order of each round; who begins changes, as the weather does."""
        for number in range(self.rounds):
            self.load.append(os.getloadavg()[0])
            start = number % len(contenders)
            yield [*contenders[start:], *contenders[:start]]
