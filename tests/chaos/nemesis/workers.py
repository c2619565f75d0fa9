"""Death and stupor of workers: the parent, one child, or all of them at once."""

import os
import signal
from contextlib import suppress
from functools import partial
from typing import ClassVar

from tests.chaos import pace
from tests.chaos.nemesis.fault import Fault, Hit, aim

PAST_THE_LEASE = (pace.LEASE * 1.2, pace.LEASE * 1.8)


class KillParent(Fault):
    """SIGKILL to the parent alone: its children are orphans, and go on as long as they can."""

    def strike(self) -> Hit | None:
        self.world.one_down.acquire()
        return self.hit_in_hand(self.blow)

    def blow(self) -> None:
        self.program.signal(signal.SIGKILL)
        self.program.process.wait()

    def heal(self) -> None:
        try:
            if not self.program.alive:
                self.world.restart_worker(self.worker)
        finally:
            self.world.one_down.release()


class KillGroup(KillParent):
    """SIGKILL to the parent and its children at once, as the kernel of a machine does that runs out of memory."""

    def blow(self) -> None:
        self.program.signal_group(signal.SIGKILL)
        self.program.process.wait()


class OneChild(Fault):
    """Against one child that has work in hand."""

    signal: ClassVar[int]
    child = 0

    def strike(self) -> Hit | None:
        if not (found := aim(self.in_hand)):
            return None
        self.child = self.luck.choice(sorted(found))
        held = found[self.child]
        self.now()
        with suppress(ProcessLookupError):
            os.kill(self.child, self.signal)
        victims = self.sight.still(held)
        return Hit(f"{len(victims)} records in processing", victims) if victims else None


class KillChild(OneChild):
    """SIGKILL to one child."""

    signal = signal.SIGKILL
    lasts = (0.0, 0.1)


class StopChild(OneChild):
    """SIGSTOP to one child until its lease has run out; then it wakes up and goes on."""

    signal = signal.SIGSTOP
    lasts = PAST_THE_LEASE

    def heal(self) -> None:
        if self.child in self.program.children():
            with suppress(ProcessLookupError):
                os.kill(self.child, signal.SIGCONT)


class StopWorker(Fault):
    """SIGSTOP to the whole worker until its leases have run out; then it wakes up and goes on."""

    lasts = PAST_THE_LEASE

    def strike(self) -> Hit | None:
        return self.hit_in_hand(partial(self.program.freeze))

    def heal(self) -> None:
        self.program.thaw()
