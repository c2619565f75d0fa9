"""What tests at the bench ask for, and how they look at it."""

import time
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from idempotency.models import Queue, Record
from tests.app.bench import Call
from tests.processes import Program, Programs, wait_until
from tests.vendors.recording import Call as Asked
from tests.vendors.vendor import Vendor


def start_fleet(programs: Programs, queues: Sequence[str], *, workers: int, concurrency: int) -> list[Program]:
    """Workers that are ready, started together, and a relay."""
    programs.relay()
    started = [programs.worker(queues, concurrency=concurrency, ready=False) for _ in range(workers)]
    for worker in started:
        worker.wait_for_log(" ready.")
    return started


def give(task: type[Call], vendor: Vendor, numbers: Iterable[int], account: Callable[[int], str] | str = "") -> None:
    """Enqueue one job for each number."""
    whose = account if callable(account) else lambda _: account
    task.enqueue_many({"url": f"{vendor.url}/call", "number": n, "account": whose(n)} for n in numbers)


def succeeded(task: type[Call]) -> int:
    return Record.objects.filter(task=task.name, state="succeeded").count()


def wait_for_end(task: type[Call], timeout: float = 40) -> None:
    """Wait until none of the task's jobs waits or runs, and all have succeeded."""
    records = Record.objects.filter(task=task.name)
    wait_until(lambda: not records.exclude(state="succeeded").exists(), timeout, f"all of {task.name} have succeeded")


def attempts(task: type[Call]) -> set[int]:
    return set(Record.objects.filter(task=task.name).values_list("attempt", flat=True))


def row(queue: str) -> Queue:
    """What the claims read of a queue."""
    return Queue.objects.get(name=queue)


def monotonic(moment: datetime) -> float:
    """What the database calls so, by the clock of the recordings; server and tests are on one machine."""
    return moment.timestamp() - (time.time() - time.monotonic())


def speeds_up(calls: Sequence[Asked]) -> bool:
    """Whether the last quarter of the calls came faster than the first, however fast the machine is."""
    quarter = len(calls) // 4
    return calls[-1].at - calls[-quarter].at < calls[quarter].at - calls[0].at


def wait_for_pause(queue: str, kind: str) -> Queue:
    paused = Queue.objects.filter(name=queue, paused_at__isnull=False, pause_kind=kind)
    found = wait_until(paused.first, 20, f"{queue} is paused by {kind}")
    assert found
    return found
