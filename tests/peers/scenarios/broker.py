"""A broker that dies between publishing and running."""

from tests.peers.scenarios.observation import Observation
from tests.peers.stage import Stage, seen
from tests.processes import wait_until

JOBS = 50
WRITTEN = 2.0  # seconds after which an AOF with everysec holds what was sent


def loses_its_memory(stage: Stage, patience: float) -> Observation:
    _publish(stage)
    stage.forget()
    return _ran(stage, patience)


def keeps_its_disk(stage: Stage, patience: float) -> Observation:
    _publish(stage)
    with stage.broker.client as client:
        wait_until(lambda: not client.info("persistence")["aof_pending_bio_fsync"], WRITTEN)
        client.execute_command("WAITAOF", 1, 0, 2000)
    stage.broker.kill()
    stage.broker.restart()
    return _ran(stage, patience)


def _publish(stage: Stage) -> None:
    stage.helpers()
    stage.enqueue("effect", "job", JOBS)
    assert stage.system.queue
    wanted = 1 if stage.system.hints else JOBS
    wait_until(lambda: stage.broker.length(stage.system.queue or "") >= wanted, 30, "published")


def _ran(stage: Stage, patience: float) -> Observation:
    stage.worker()
    seen(lambda: stage.effects() >= JOBS, patience)
    ran = stage.effects()
    return Observation(f"{ran} of {JOBS} ran", ran == JOBS)
