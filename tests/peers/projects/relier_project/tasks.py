"""As its quick start says: https://getrelier.github.io/relier/quickstart/"""

import bodies
from relier import rl_task


@rl_task(queue="default")
def effect(name: str) -> None:
    bodies.effect(name)


@rl_task(queue="default", idempotent=True)
def hold(name: str) -> None:
    bodies.hold(name)


@rl_task(queue="default")
def kill(name: str) -> None:
    bodies.kill(name)


@rl_task(queue="default")
def long(name: str) -> None:
    bodies.long(name)


ALL = {"effect": effect, "hold": hold, "charge": hold, "kill": kill, "long": long}
