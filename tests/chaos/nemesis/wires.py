"""Faults on the way from a worker to its database and broker."""

from tests.chaos.nemesis.fault import Fault, Hit, aim
from tests.chaos.world import World
from tests.servers.wire import Wire

FAST_AIM = 4.0  # seconds; the load brings bytes within milliseconds, unless the worker is at rest


class DatabaseHalfOpen(Fault):
    """Every connection of the worker to PostgreSQL dies without a word; after a while they are reset."""

    lasts = (2.0, 5.0)

    def strike(self) -> Hit | None:
        before = self.wire.swallowed
        hit = self.hit_in_hand(self.blow)
        return hit if hit and aim(lambda: self.wire.swallowed > before, FAST_AIM) else None

    def blow(self) -> None:
        self.wire.half_open()

    def heal(self) -> None:
        self.wire.heal()

    @property
    def wire(self) -> Wire:
        return self.worker.database


class DatabaseAnswerLost(DatabaseHalfOpen):
    """PostgreSQL does what it is told, and the worker never hears of it: claims and settles are left in doubt."""

    lasts = (0.3, 2.0)

    def blow(self) -> None:
        self.wire.lose_answers()


class BrokerHalfOpen(Fault):
    """The same towards the broker. Bytes were swallowed while records waited for a hint."""

    lasts = (3.0, 6.0)

    def strike(self) -> Hit | None:
        if not (due := aim(self.sight.due)):
            return None
        before, kept = self.kept(), len(due)
        self.now()
        self.blow()
        if not aim(lambda: self.kept() > before, FAST_AIM):
            return None
        return Hit(f"{self.kept() - before} bytes while {kept} records were due", due)

    def blow(self) -> None:
        self.wire.half_open()

    def kept(self) -> int:
        return self.wire.swallowed

    def heal(self) -> None:
        self.wire.heal()

    @property
    def wire(self) -> Wire:
        return self.worker.broker


class BrokerSlow(BrokerHalfOpen):
    """Everything between worker and broker takes its time."""

    def blow(self) -> None:
        self.wire.slow(self.luck.uniform(0.2, 1.5))

    def kept(self) -> int:
        return self.wire.delayed


class KillBackend(Fault):
    """pg_terminate_backend on a connection of the worker that is in the middle of something."""

    lasts = (0.0, 0.1)

    def strike(self) -> Hit | None:
        held = aim(lambda: self.sight.held_by(self.worker.claimant))
        if not held or not (doing := aim(self.blow)):
            return None
        self.now()
        return Hit(f"a connection that was {doing}", self.sight.still(self.sight.held_by(self.worker.claimant)))

    def blow(self) -> str:
        return self.sight.terminate(self.worker.application, in_transaction=False)


class NetnsCut(Fault):
    """The worker's network loses its link: packets go nowhere, and nobody is told."""

    lasts = (2.0, 6.0)

    @classmethod
    def impossible(cls, world: World) -> str:
        has = any(worker.namespace for worker in world.workers)
        return "" if has else "needs root, and a kernel that lets it make network namespaces"

    def strike(self) -> Hit | None:
        assert self.worker.namespace
        return self.hit_in_hand(self.worker.namespace.cut)

    def heal(self) -> None:
        assert self.worker.namespace
        self.worker.namespace.join()
