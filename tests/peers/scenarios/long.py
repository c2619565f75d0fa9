from tests.peers.projects.bodies import LONG
from tests.peers.scenarios.observation import Observation
from tests.peers.stage import Stage, seen


def outlasts_the_lease(stage: Stage, patience: float) -> Observation:
    """One start, one end, one outcome, although a lease would have run out three times."""
    stage.helpers()
    stage.worker()
    stage.worker()
    (job,) = stage.enqueue("long", "long")
    seen(lambda: stage.effects("%ended") >= 1, LONG + patience)
    seen(lambda: stage.effects("%began") > 1 or stage.ended(stage.state(job)), 5)
    starts, ends = stage.effects("%began"), stage.effects("%ended")
    return Observation(f"{starts} start, {ends} end, {stage.state(job)}", starts == ends == 1)
