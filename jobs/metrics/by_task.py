"""What is measured of each task, under its name while there are few of them."""

from functools import cache

from jobs.metrics.catalogue.words import TASK
from jobs.metrics.measuring import hand_over, here, is_child

SECONDS, UNRECORDED = "jobs_task_seconds", "jobs_unrecorded_messages_total"
OTHER = "_other"


def label(task: str) -> str:
    """What a series calls the task: a program with thousands of tasks must not make thousands of series."""
    return task if task in _named() else OTHER


def unrecorded(task: str, became: str) -> None:
    """A message of this task came without a record. It is told at once: there may be no hint that takes it along."""
    here.count(UNRECORDED, label(task), became)
    if is_child():
        hand_over()


@cache
def _named() -> frozenset[str]:
    from jobs.task import registered  # which needs all of this

    return frozenset(sorted(registered())[: TASK.most - 1])
