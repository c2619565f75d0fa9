"""Callers who die, or do not hear what became of their commit."""

import signal

from tests.chaos.nemesis.fault import Fault, Hit, aim
from tests.chaos.world import Caller


class KillCaller(Fault):
    """SIGKILL in the middle of a call."""

    lasts = (0.0, 1.0)

    def strike(self) -> Hit | None:
        self.caller = self.luck.choice(self.world.callers)
        assert self.caller.program
        if not aim(lambda: in_call(self.caller)):
            return None
        self.now()
        self.caller.program.signal_group(signal.SIGKILL)
        self.caller.program.process.wait()
        return Hit("a call without an answer") if in_call(self.caller) else None

    def heal(self) -> None:
        if self.caller.program and not self.caller.program.alive:
            self.world.retire(self.caller.program)
            self.world.start_caller(self.caller)


class KillCallerBackend(Fault):
    """pg_terminate_backend on a caller's connection, inside its transaction."""

    lasts = (0.0, 0.1)

    def strike(self) -> Hit | None:
        doing = aim(lambda: self.sight.terminate("caller", in_transaction=True))
        self.now()
        return Hit(f"a connection that was {doing}") if doing else None


class CallerAnswerLost(Fault):
    """PostgreSQL does what callers ask, COMMIT too, and they never hear of it."""

    lasts = (0.1, 1.5)

    def strike(self) -> Hit | None:
        wire = self.world.callers_wire
        if not aim(lambda: self.sight.in_transaction("caller")):
            return None
        before = wire.swallowed
        self.now()
        wire.lose_answers()
        return Hit(f"{wire.swallowed - before} bytes of answers") if aim(lambda: wire.swallowed > before) else None

    def heal(self) -> None:
        self.world.callers_wire.heal()


def in_call(caller: Caller) -> bool:
    with caller.history.open("rb") as history:
        history.seek(max(0, history.seek(0, 2) - 400))
        last = history.read().rstrip(b"\n").rpartition(b"\n")[2]
    return b'"op": "invoke"' in last
