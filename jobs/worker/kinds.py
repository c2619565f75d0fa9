"""What a worker process knows of a task, looked up once for a claim and not for each of its jobs."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from jobs.calls import Names
    from jobs.task import IdempotentTask

WEIGHT = 0.3  # of the newest job in the running mean


@dataclass(slots=True)
class Kind:
    """One task.

    Args:
        limits: soft and hard, seconds.
        alone: its jobs' outcome must be written before the next job starts.
        asks: there is more to do than to run the body: to ask whether it has been, or to note that it may be.
        sensitive: it has parameters that nobody may see.
        seconds: that a job takes, about; None, nobody knows.
    """

    task: "IdempotentTask"
    names: "Names"
    limits: tuple[float | None, float | None]
    alone: bool
    asks: bool
    sensitive: bool
    seconds: float | None = None

    @classmethod
    def of(cls, task: "IdempotentTask", seconds: float | None = None) -> Self:
        asks = bool(task.already_done or task.external_effect)
        return cls(
            task, task.accepted_names(), task.limits(), task.settles_alone(), asks, bool(task.sensitive), seconds
        )

    def took(self, seconds: float) -> None:
        """One of its jobs has."""
        known = seconds if self.seconds is None else self.seconds
        self.seconds = (1 - WEIGHT) * known + WEIGHT * seconds

    def accepts(self, payload: Mapping[str, Any]) -> bool:
        return self.names.accept(payload)
