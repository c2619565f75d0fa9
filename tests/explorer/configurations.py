"""The machine in small focused pieces; each explores all its states. Reasons for the sizes stand beside them."""

from collections.abc import Callable
from functools import partial

from tests.explorer.batch import Batch
from tests.explorer.engine import Model
from tests.explorer.enqueue import Enqueue
from tests.explorer.fence import Fence
from tests.explorer.life import Life
from tests.explorer.parent import Parent
from tests.explorer.person import Person
from tests.explorer.record import Limits
from tests.explorer.relay import Hints
from tests.explorer.vendor import Vendor

Configuration = Callable[[frozenset[str]], Model]

CONFIGURATIONS: dict[str, Configuration] = {
    # three workers: two zombies of different attempts, beside the owner
    "life": partial(Life, "life", limits=Limits(cap=3, poison=4, bound=1), workers=3),
    # the cap is met before and after the bound of returned attempts, the poison limit before the cap
    "attempts": partial(
        Life, "attempts", limits=Limits(cap=3, poison=2, bound=1), outcomes=("give_back", "retry"), replays=0, parks=1
    ),
    "batch": partial(Batch, "batch"),
    "person": partial(Person, "person"),
    "review": partial(Person, "review", replays=1, rests=True),
    "fence": partial(Fence, "fence"),
    "vendor": partial(Vendor, "vendor"),
    "enqueue": partial(Enqueue, "enqueue"),
    "relay": partial(Hints, "relay"),
    "parent": partial(Parent, "parent"),
}


def build(name: str, cut: frozenset[str] = frozenset()) -> Model:
    return CONFIGURATIONS[name](cut)
