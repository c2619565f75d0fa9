"""How many records a claim should take: about a second of work."""

from dataclasses import dataclass

from jobs import conf

TARGET = 1.0  # seconds of work in one claim: short enough to give back, long enough to make the claim cheap
LIMITED_TARGET = 0.1  # the same where calls have slots: what is held longer would come too late for its own
FIRST = 4  # records, before anything is known
WEIGHT = 0.3  # of the newest batch in the running mean


@dataclass(slots=True)
class Pace:
    """Of one queue in one process. Grows while claims come back full, shrinks with the measured run time."""

    size: int = FIRST
    target: float = TARGET
    mean: float | None = None

    def ran(self, jobs: int, seconds: float) -> None:
        """A batch of `jobs` took `seconds`."""
        newest = seconds / jobs
        self.mean = newest if self.mean is None else (1 - WEIGHT) * self.mean + WEIGHT * newest
        fitting = int(self.target / max(self.mean, 1e-6))
        self.size = max(1, min(fitting, self.size * 2 if jobs >= self.size else self.size, conf.batch_size()))
