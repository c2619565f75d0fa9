import bodies
import psycopg

from jobs import IdempotentTask, PermanentError, idempotent_task


def task(name: str, **options):
    def body(name: str) -> None:
        bodies.ALL[kind](name)

    kind = name
    body.__name__ = body.__qualname__ = name
    return idempotent_task(owner="peers", queue="default", dedupe_key=("name",), **options)(body)


effect, kill, long, hold = (task(name) for name in ("effect", "kill", "long", "hold"))


@idempotent_task(owner="peers", queue="default", dedupe_key=("name",))
def fail(name: str) -> None:
    """An unknown error would be tried again for a while; this one is given up at once, as the peers' are."""
    try:
        bodies.fail(name)
    except ValueError as error:
        raise PermanentError(str(error)) from error


class Charge(IdempotentTask):
    """An outside call at somebody who can be asked."""

    owner = "peers"
    queue = "default"
    dedupe_key = ("name",)
    external_effect = True

    def already_done(self, name: str) -> str | None:
        with psycopg.connect("", autocommit=True) as connection:
            found = connection.execute("SELECT FROM effect WHERE name = %s", [name]).fetchone()
        return name if found is not None else None

    def run(self, name: str) -> str:
        bodies.hold(name)
        return name


class ChargeBlindly(IdempotentTask):
    """An outside call at somebody who cannot be asked."""

    owner = "peers"
    queue = "default"
    dedupe_key = ("name",)
    external_effect = True

    def run(self, name: str) -> str:
        bodies.hold(name)
        return name


ALL = {
    "effect": effect,
    "kill": kill,
    "long": long,
    "fail": fail,
    "hold": hold,
    "charge": Charge,
    "charge-blindly": ChargeBlindly,
}
