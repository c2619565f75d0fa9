"""The fixtures that start workers: what a test writes they see, and what they do the test sees."""

from collections.abc import Callable

from idempotency.models import Record
from tests.app.models import Effect
from tests.app.tasks import Echo, Mark
from tests.processes import Program, wait_until
from tests.servers.broker import Broker


def test_a_spawned_worker_runs_what_the_test_enqueued(spawn_worker: Callable[..., Program]) -> None:
    job = Echo.enqueue(value="seen")
    spawn_worker("default")
    record = wait_until(Record.objects.filter(id=job.id, state="succeeded").first)
    assert record.result == {"value": "seen"}


def test_each_pool_has_as_many_children_as_it_was_asked_for(spawn_worker: Callable[..., Program]) -> None:
    worker = spawn_worker(["default", "critical"], concurrency=2)
    wait_until(lambda: len(worker.children()) >= 2)


def test_a_worker_comes_back_to_a_broker_that_was_killed(
    spawn_worker: Callable[..., Program], spawn_relay: Callable[..., Program], broker: Broker
) -> None:
    spawn_worker("default")
    spawn_relay()
    broker.kill()
    Mark.enqueue(name="while the broker is down")
    broker.restart()
    wait_until(Effect.objects.filter(name="while the broker is down").exists, timeout=30)
