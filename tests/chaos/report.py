"""What a run has come to: figures that add up over sessions, and the verdict on them."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.chaos import pace
from tests.chaos.recovery import summary

PASSED, VIOLATED, UNKNOWN = "passed", "violated", "UNKNOWN"
CODES = {PASSED: 0, VIOLATED: 1, UNKNOWN: 2}
RULE_OF_THREE = 3.0  # nothing in N tries: with 95 % confidence less than 3/N


@dataclass
class Figures:
    """Of one session: from the start of its servers to their end."""

    landed: dict[str, int] = field(default_factory=dict)
    missed: dict[str, int] = field(default_factory=dict)
    windows: int = 0  # each ended with a healed, drained and judged system
    acknowledged: int = 0
    calls: int = 0
    unknown: int = 0
    unknown_done: int = 0
    rolled_back: int = 0
    wasted_attempts: int = 0
    ticks: int = 0
    ends: dict[str, int] = field(default_factory=dict)
    recoveries: list[float] = field(default_factory=list)
    violations: dict[str, list[str]] = field(default_factory=dict)
    seconds: float = 0.0
    commit: str = ""


@dataclass
class Report:
    seed: int
    broker: str
    asked: int
    sessions: list[Figures]
    not_run: Mapping[str, str] = field(default_factory=dict)
    complete: bool = True  # as many faults as were asked for, or all that the plan holds
    about: Mapping[str, Any] = field(default_factory=dict)
    evidence: str = ""

    def total(self, name: str) -> Any:
        """The sum over all sessions: of a count, or of counts by name."""
        values = [getattr(session, name) for session in self.sessions]
        if not values or isinstance(values[0], int | float):
            return sum(values)
        return dict(sorted(sum(map(Counter, values), Counter()).items()))

    @property
    def landed(self) -> int:
        return sum(self.total("landed").values())

    @property
    def violations(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for session in self.sessions:
            for name, sentences in session.violations.items():
                found.setdefault(name, []).extend(sentences)
        return found

    @property
    def recovery(self) -> dict[str, float]:
        return summary([seconds for session in self.sessions for seconds in session.recoveries])

    @property
    def verdict(self) -> str:
        if self.violations or self.recovery["longest"] >= pace.RECOVERY_LIMIT:
            return VIOLATED
        return PASSED if self.complete and self.landed and self.total("acknowledged") else UNKNOWN

    def as_dict(self) -> dict[str, Any]:
        windows = self.total("windows")
        return {
            "verdict": self.verdict,
            "seed": self.seed,
            "broker": self.broker,
            "asked": self.asked,
            "landed_total": self.landed,
            "landed": self.total("landed"),
            "missed": self.total("missed"),
            "not_run": dict(self.not_run),
            **{name: self.total(name) for name in ("acknowledged", "calls", "unknown", "unknown_done", "rolled_back")},
            "lost": len(self.violations.get("lost", [])),
            "duplicate_effects": len(self.violations.get("duplicate_effects", [])),
            "violations": self.violations,
            "ends": self.total("ends"),
            "wasted_attempts": self.total("wasted_attempts"),
            "ticks": self.total("ticks"),
            "recovery_seconds": {**self.recovery, "limit": pace.RECOVERY_LIMIT},
            "bound_per_fault": round(RULE_OF_THREE / self.landed, 5) if self.landed else None,
            "windows": windows,
            "bound_per_window": round(min(1.0, RULE_OF_THREE / windows), 3) if windows else None,
            "seconds": round(self.total("seconds"), 1),
            "sessions": len(self.sessions),
            "commits": list(dict.fromkeys(session.commit for session in self.sessions)),
            "about": dict(self.about),
            "evidence": self.evidence,
        }

    def lines(self) -> list[str]:
        """The same for people."""
        told = self.as_dict()
        kinds = ", ".join(f"{kind} {count}" for kind, count in told["landed"].items())
        recovery = told["recovery_seconds"]
        lines = [
            f"{told['verdict']}: seed {self.seed} on {self.broker}, {told['seconds']:.0f} s, {told['windows']} windows",
            f"landed       {self.landed} of {self.asked}: {kinds or 'none'}",
            f"acknowledged {told['acknowledged']:,} jobs",
            f"unknown      {told['unknown']} calls, {told['unknown_done']} of them done",
            f"lost         {told['lost']}",
            f"doubled      {told['duplicate_effects']}",
            "recovery     p50 {p50} s, p99 {p99} s, longest {longest} s (limit {limit:g} s)".format_map(recovery),
            f"bound        below {told['bound_per_fault']} a fault, {told['bound_per_window']} a window, at 95 %",
        ]
        lines += [f"not run      {kind}: {why}" for kind, why in self.not_run.items()]
        for name, sentences in self.violations.items():
            lines += [f"VIOLATED     {name}: {sentence}" for sentence in sentences[:10]]
            lines += [f"VIOLATED     {name}: and {len(sentences) - 10} more"] if len(sentences) > 10 else []
        return [*lines, f"evidence     {self.evidence}"] if self.evidence else lines
