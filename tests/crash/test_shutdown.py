"""A worker that is told to stop finishes what it runs and returns the rest at once."""

import signal

from idempotency.models import Record
from tests.app.models import Effect
from tests.app.tasks import WaitForFile
from tests.processes import wait_until


def test_a_warm_shutdown_finishes_the_running_job_and_returns_the_others_untouched(spawn_worker, tmp_path):
    WaitForFile.enqueue_many({"name": f"job {i}", "path": str(tmp_path / "go")} for i in range(4))
    worker = spawn_worker()
    wait_until(Effect.objects.exists)
    worker.signal(signal.SIGTERM)
    worker.wait_for_log("Warm shutdown")
    assert Record.objects.filter(state="processing").exists()
    (tmp_path / "go").touch()
    assert worker.wait_for_end() == 0
    states = sorted(Record.objects.values_list("state", "attempt"))
    assert states == [("queued", 0)] * 3 + [("succeeded", 1)]
    assert Effect.objects.count() == 1
