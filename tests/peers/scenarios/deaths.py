"""Workers that die by SIGKILL."""

import time

from tests.peers.scenarios.observation import Observation
from tests.peers.stage import Stage, seen
from tests.processes import wait_until

MOST_LIVES = 8  # workers that are offered to a job that kills them
BLIND = "charge-blindly"  # the same effect at somebody who cannot be asked; ours alone treats it in another way


def right_after_the_effect(stage: Stage, patience: float) -> Observation:
    """One effect, and a job that ended or waits for a person."""
    bodies = ["charge", BLIND] if stage.system.hints else ["charge"]
    stage.helpers()
    outcomes = []
    for body in bodies:
        first = stage.worker()
        (job,) = stage.enqueue(body, body)
        wait_until(lambda body=body: stage.effects(body) == 1, 60, "charged")
        first.kill()
        stage.let_go()
        second = stage.worker()
        settled = seen(lambda body=body, job=job: stage.effects(body) > 1 or stage.ended(stage.state(job)), patience)
        outcomes.append((body, stage.effects(body), stage.state(job), settled))
        second.kill()
        stage.hold_again()
    texts = [f"{_named(body)}{_effects(count)}, {state}" for body, count, state, _ in outcomes]
    return Observation("; ".join(texts), all(count == 1 and settled for _, count, _, settled in outcomes))


def _named(body: str) -> str:
    return "vendor cannot be asked: " if body == BLIND else ""


def _effects(count: int) -> str:
    return f"{count} effect{'' if count == 1 else 's'}"


def kills_whatever_runs_it(stage: Stage, patience: float) -> Observation:
    """It stops by itself, and somebody can see that and why."""
    stage.helpers()
    (job,) = stage.enqueue("kill", "poison")
    worker, lives, since = stage.worker(), 1, time.monotonic()
    state = stage.state(job)
    while time.monotonic() - since < 2 * patience and not stage.ended(state):
        if not worker.alive:
            if lives == MOST_LIVES:
                break
            worker, lives = stage.worker(ready=False), lives + 1
        seen(lambda: not worker.alive, 1)  # noqa: B023 - asked at once
        state = stage.state(job)
    starts = stage.effects()
    text = f"{starts} start{'' if starts == 1 else 's'}, then {state}"
    return Observation(text, stage.ended(state))


def in_the_middle(stage: Stage, patience: float) -> Observation:
    """The other one has it soon."""
    stage.helpers()
    first = stage.worker()
    (job,) = stage.enqueue("hold", "stranded")
    wait_until(lambda: stage.effects() == 1, 60, "begun")
    stage.worker()
    first.kill()
    died = time.monotonic()
    again = seen(lambda: stage.effects() == 2, patience)
    waited = time.monotonic() - died
    stage.let_go()
    seen(lambda: not again or stage.ended(stage.state(job)), 15)
    text = f"ran again after {waited:.0f} s" if again else f"not run again within {patience:.0f} s"
    return Observation(f"{text}, {stage.state(job)}", again)
