"""Death and stupor of a beat."""

import signal

from tests.chaos import pace
from tests.chaos.nemesis.fault import Fault, Hit, aim


class KillBeat(Fault):
    """SIGKILL to one of the beats, while a tick is due and nobody has written its job."""

    lasts = (1.0, 4.0)

    def strike(self) -> Hit | None:
        self.which = self.luck.randrange(len(self.world.beats))
        if not aim(self.sight.due_ticks):
            return None
        self.now()
        self.blow()
        due = self.sight.due_ticks()
        return Hit(f"{due} schedules with a tick that was due") if due else None

    def blow(self) -> None:
        self.world.beats[self.which].signal_group(signal.SIGKILL)
        self.world.beats[self.which].process.wait()

    def heal(self) -> None:
        beat = self.world.beats[self.which]
        if not beat.alive:
            self.world.retire(beat)
            self.world.beats[self.which] = self.world.start_beat()


class StopBeat(KillBeat):
    """SIGSTOP to one of the beats, perhaps inside the transaction that fires, for longer than a lease."""

    lasts = (pace.LEASE * 1.2, pace.LEASE * 1.8)

    def blow(self) -> None:
        self.world.beats[self.which].freeze()

    def heal(self) -> None:
        self.world.beats[self.which].thaw()
