"""The scenarios by name, in the order of the table."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.peers.scenarios import asking, broker, deaths, long
from tests.peers.scenarios.observation import Observation
from tests.peers.stage import Stage

__all__ = ["ALL", "Observation", "Scenario"]


@dataclass(frozen=True)
class Scenario:
    """What is done, in words, and the function that does it: a stage and a patience in seconds go in."""

    name: str
    title: str
    play: Callable[[Stage, float], Observation]


ALL = (
    Scenario("broker", "50 jobs committed and published; broker killed, back empty", broker.loses_its_memory),
    Scenario("broker-disk", "the same, back with what its disk kept (AOF, everysec)", broker.keeps_its_disk),
    Scenario(
        "charge",
        "worker killed right after an outside effect: one effect, and an outcome",
        deaths.right_after_the_effect,
    ),
    Scenario(
        "poison",
        "a job kills whatever runs it, workers are restarted: it stops, with an outcome",
        deaths.kills_whatever_runs_it,
    ),
    Scenario("long", "a 7 s job, a lease of 2 s where one can be set, two healthy workers", long.outlasts_the_lease),
    Scenario("key", "worker killed while a job holds its key; five more enqueues", asking.key_of_a_killed_job),
    Scenario("stranded", "worker killed in the middle of a job, a healthy one beside it", deaths.in_the_middle),
    Scenario("replay", "an admin user with view permission alone posts the replay", asking.replay_by_a_viewer),
    Scenario("duplicate", "a duplicate caught inside atomic(): business rows that survive, of 2", asking.duplicate),
)
