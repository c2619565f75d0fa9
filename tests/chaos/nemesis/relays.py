"""Death and stupor of a relay."""

import signal

from tests.chaos import pace
from tests.chaos.nemesis.fault import Fault, Hit, aim


class KillRelay(Fault):
    """SIGKILL to one of the relays, while records wait for its hints or for its reaper."""

    lasts = (1.0, 4.0)

    def strike(self) -> Hit | None:
        self.which = self.luck.randrange(len(self.world.relays))
        if not aim(lambda: self.sight.due() or self.sight.lapsed()):
            return None
        due = self.sight.due()
        self.now()
        self.blow()
        return Hit(f"{len(due)} records due", due) if due else None

    def blow(self) -> None:
        self.world.relays[self.which].signal_group(signal.SIGKILL)
        self.world.relays[self.which].process.wait()

    def heal(self) -> None:
        relay = self.world.relays[self.which]
        if not relay.alive:
            self.world.retire(relay)
            self.world.relays[self.which] = self.world.start_relay()


class StopRelay(KillRelay):
    """SIGSTOP to one of the relays for longer than a lease."""

    lasts = (pace.LEASE * 1.2, pace.LEASE * 1.8)

    def blow(self) -> None:
        self.world.relays[self.which].freeze()

    def heal(self) -> None:
        self.world.relays[self.which].thaw()
