"""How many records a claim should take: enough to make it cheap, no more than others might be waiting for."""

from dataclasses import dataclass

from jobs import conf

TARGET = 1.0  # seconds of work in one claim, at most: who dies or is told to stop gives back no more
LIMITED_TARGET = 0.1  # the same where calls have slots: what is held longer would come too late for its own
WORTH = 200  # times what the claim took; what is more keeps other workers waiting at the end
FIRST = 4  # records, before anything is known
WEIGHT = 0.3  # of the newest batch in the running means


@dataclass(slots=True)
class Pace:
    """Of one queue in one process. Grows while claims come back full, shrinks with the measured run time."""

    size: int = FIRST
    target: float = TARGET
    mean: float | None = None  # seconds of a job
    claiming: float | None = None  # seconds of a claim

    def ran(self, jobs: int, seconds: float, claiming: float) -> None:
        """A batch of `jobs` took `seconds`, and to claim it `claiming`."""
        self.mean = _moved(self.mean, seconds / jobs)
        self.claiming = _moved(self.claiming, claiming)
        fitting = int(min(self.target, WORTH * self.claiming) / max(self.mean, 1e-6))
        self.size = max(1, min(fitting, self.size * 2 if jobs >= self.size else self.size, conf.batch_size()))


def _moved(known: float | None, newest: float) -> float:
    return newest if known is None else (1 - WEIGHT) * known + WEIGHT * newest
