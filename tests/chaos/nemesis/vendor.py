"""A vendor whose answers are lost or late. (That it fails by itself now and then is part of the load.)"""

from tests.chaos.nemesis.fault import Fault, Hit, aim
from tests.servers.wire import Wire


class VendorAnswerLost(Fault):
    """The vendor does what it is asked, and the worker never hears of it."""

    lasts = (0.5, 2.0)
    others_go_on = False

    def strike(self) -> Hit | None:
        self.victim = self.luck.choice(self.world.workers)
        before = self.kept()
        self.now()
        self.blow()
        if not aim(lambda: self.kept() > before):
            return None
        victims = list(self.sight.held_by(self.victim.claimant))
        return Hit(f"{self.kept() - before} bytes, {len(victims)} records in processing", victims)

    def blow(self) -> None:
        self.wire.lose_answers()

    def kept(self) -> int:
        return self.wire.swallowed

    def heal(self) -> None:
        self.wire.heal()

    @property
    def wire(self) -> Wire:
        return self.victim.vendor


class VendorSlow(VendorAnswerLost):
    """The vendor's answers come after the worker has stopped waiting, and its requests arrive late."""

    def blow(self) -> None:
        self.wire.slow(self.luck.uniform(0.3, 1.2))

    def kept(self) -> int:
        return self.wire.delayed
