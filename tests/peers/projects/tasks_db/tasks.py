import bodies
from django_tasks import task


@task()
def effect(name: str) -> None:
    bodies.effect(name)


@task()
def hold(name: str) -> None:
    bodies.hold(name)


@task()
def kill(name: str) -> None:
    bodies.kill(name)


@task()
def long(name: str) -> None:
    bodies.long(name)


ALL = {"effect": effect, "hold": hold, "charge": hold, "kill": kill, "long": long}
