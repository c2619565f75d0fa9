"""What callers and people are told, and may do."""

from tests.peers.scenarios.observation import Observation
from tests.peers.stage import Stage, seen
from tests.processes import wait_until

ASKED_AGAIN = 5


def key_of_a_killed_job(stage: Stage, patience: float) -> Observation:
    """The answers tell the truth, and the work is done in the end."""
    stage.helpers()
    first = stage.worker()
    job = _ask(stage)
    wait_until(lambda: stage.effects() == 1, 60, "begun")
    first.kill()
    answers = [_ask(stage) for _ in range(ASKED_AGAIN)]
    stage.let_go()
    stage.worker()
    again = seen(lambda: stage.effects() > 1, patience)
    told = sorted({str(answer["state"]) for answer in answers})
    ids = len({answer["id"] for answer in [job, *answers] if answer["id"]})
    later = _ask(stage)
    outcome = "the work was done" if again else f"never done within {patience:.0f} s"
    text = f"told {' or '.join(told)} under {ids} id{'' if ids == 1 else 's'}; {outcome}; later told {later['state']}"
    return Observation(text, again)


def _ask(stage: Stage) -> dict:
    verb = "enqueue_keyed" if stage.system.project == "procrastinate_project" else "enqueue"
    (answer,) = stage.ask(verb, "hold", "once")
    return answer


def replay_by_a_viewer(stage: Stage, patience: float) -> Observation:
    """Refused, and nothing moved."""
    job = {"id": "none"}
    if stage.system.ends:
        stage.helpers()
        worker = stage.worker()
        (job,) = stage.enqueue("fail", "refused")
        assert seen(lambda: stage.ended(stage.state(job)), patience), "the job was given up"
        worker.kill()
    found = stage.ask("viewer_replay", job["id"])
    moved = "replayed" if found["moved"] else "not replayed"
    return Observation(f"HTTP {found['status']}, {moved}", not found["moved"])


def duplicate(stage: Stage, patience: float) -> Observation:
    found = stage.ask("duplicate")
    said = f" ({found['said'][:80]})" if found["said"] else ""
    return Observation(f"{found['kept']} of 2{said}", found["kept"] == 2)
