"""What a sweep has found, for people and for machines."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from jobs.testing.boundaries import Boundary, Phase
from jobs.testing.errors import CrashSweepError

SHOWN = 20  # violations: what comes after has the same cause


PHASES: tuple[Phase, Phase] = ("before", "after")


@dataclass(frozen=True, slots=True)
class Spot:
    """One run's fault. Its text is what `only=` takes: "worker 7 after", "relay 3 before", "pair 4 9".

    Boundaries are counted from 1, over all processes of the role that an undisturbed run needs. Of a pair, `number` is
    where the first worker is stopped and `second` where the second one is.
    """

    role: str
    number: int
    phase: Phase = "before"
    second: int = 0

    def __str__(self) -> str:
        return f"{self.role} {self.number} {self.second if self.role == 'pair' else self.phase}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """The other way round. Raises CrashSweepError."""
        match text.split():
            case ["pair", first, second] if first.isdecimal() and second.isdecimal():
                return cls("pair", int(first), second=int(second))
            case [role, number, "before" | "after" as phase] if number.isdecimal():
                return cls(role, int(number), phase)
        raise CrashSweepError(
            f'only={text!r} names no run. Write it as a violation does: "worker 7 after", "pair 4 9".'
        )


@dataclass(frozen=True, slots=True)
class Violation:
    """What one run broke."""

    spot: str
    where: str
    says: str

    def __str__(self) -> str:
        return f'{self.where}: {self.says} Repeat it with only="{self.spot}".'


@dataclass(frozen=True, slots=True)
class Sweep:
    """The result of `crash_sweep`.

    Attributes:
        task: the task's name.
        boundaries: by role ("caller", "worker", "relay"), those of an undisturbed run, in order.
        deaths: runs in which a process really died, before or after a boundary.
        pairs: runs of two workers, one of them stopped, given up and woken again.
        pairs_possible: 0 where all pairs were run, else how many there may be at most.
        seed: of that sample.
        seconds: all runs together.
        complete: whether all was run, or given up because too much is broken.
        violations: empty, or `crash_sweep` raises.
    """

    task: str
    boundaries: Mapping[str, tuple[Boundary, ...]]
    deaths: int
    pairs: int
    pairs_possible: int
    seed: int
    seconds: float
    complete: bool
    violations: tuple[Violation, ...]

    @property
    def runs(self) -> int:
        return self.deaths + self.pairs

    def names(self, role: str) -> list[str]:
        """The boundaries of a role as texts: assert them, so that they do not become fewer unnoticed."""
        return [str(boundary) for boundary in self.boundaries.get(role, ())]

    def __str__(self) -> str:
        counts = ", ".join(f"{len(found)} of the {role}" for role, found in self.boundaries.items())
        of_all = f" (of at most {self.pairs_possible}, drawn with seed {self.seed})" if self.pairs_possible else ""
        each = 1000 * self.seconds / max(1, self.runs)
        lines = [
            f"{self.task}: {len(self.violations)} violations in {self.runs} runs",
            f"  boundaries: {counts}",
            f"  {self.deaths} deaths, {self.pairs} pairs of workers{of_all}; {self.seconds:.1f} s, {each:.0f} ms each",
            *(f"  - {violation}" for violation in self.violations[:SHOWN]),
        ]
        if len(self.violations) > SHOWN:
            lines.append(f"  … and {len(self.violations) - SHOWN} more")
        if not self.complete:
            lines.append("  given up: too many runs are broken for the rest to tell anything")
        return "\n".join(lines)

    def as_json(self) -> dict[str, Any]:
        """The same as plain values, ready for `json.dumps`."""
        return {
            "task": self.task,
            "boundaries": {role: self.names(role) for role in self.boundaries},
            "deaths": self.deaths,
            "pairs": self.pairs,
            "pairs_possible": self.pairs_possible,
            "seed": self.seed,
            "seconds": round(self.seconds, 3),
            "complete": self.complete,
            "violations": [{"spot": v.spot, "where": v.where, "says": v.says} for v in self.violations],
        }
