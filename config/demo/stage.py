"""Everything that runs during the demo, brought up in an order that wastes no time, and taken down whatever happens."""

import os
import signal
import time
from types import TracebackType
from typing import Self

from config.demo.errors import DemoError
from config.demo.member import Member
from config.demo.place import Place
from config.demo.programs import Program, first, others, urgent
from config.embedded.server import tail

# A dozen starting programs on a busy machine; a program that dies is noticed at once, whatever this says.
START_SECONDS = 120.0
STOP_SECONDS = 6.0
PAUSE_SECONDS = 0.05


class Stage:
    """The servers and programs of one run."""

    def __init__(self, place: Place, seed: int) -> None:
        """Nothing runs yet."""
        self.place = place
        self.seed = seed
        self.postgres = place.postgres()
        self.valkey = place.valkey()
        self.environment: dict[str, str] = {}
        self.members: dict[str, Member] = {}

    def open(self) -> None:
        """Start the servers, and the programs that can come up while the tables are made."""
        self.valkey.start()
        self.postgres.start()
        self.environment = self.place.environment(self.postgres, self.valkey)
        os.environ.update(self.environment)
        self.add(first(self.place, self.seed))

    def start_workers(self) -> None:
        """Start the programs without which no work moves."""
        self.add(urgent())

    def complete(self) -> None:
        """Start all others, once the first do not need the processors for their own start."""
        self.wait_for(*self.members)
        self.add(others(self.place))

    def add(self, programs: list[Program]) -> None:
        """Start programs beside each other."""
        for program in programs:
            self.members[program.name] = Member(program, self.environment, self.place.logs)

    def wait_for(self, *names: str) -> None:
        """Return when these programs are at work."""
        limit = time.monotonic() + START_SECONDS
        while missing := [name for name in names if not self.members[name].ready]:
            self.watch()
            if time.monotonic() > limit:
                log = self.members[missing[0]].log
                raise DemoError(f"{missing[0]} did not come up. Its log {log} ends with:\n{tail(log)}")
            time.sleep(PAUSE_SECONDS)

    def watch(self) -> list[str]:
        """Start again what has died, and return a sentence for each."""
        dead = [server for server in (self.postgres, self.valkey) if not server.running]
        news = [f"{server.start().name} died and was started again" for server in dead]
        return news + [word for member in self.members.values() if (word := member.watch())]

    def close(self) -> None:
        """Stop everything in order; interrupted once more, end it at once."""
        try:
            self.stop_programs()
        finally:
            for member in self.members.values():
                member.signal(signal.SIGKILL)
            for server in (self.valkey, self.postgres):
                server.close()

    def stop_programs(self) -> None:
        """Ask all programs at once, then wait for each."""
        for member in self.members.values():
            member.ask_to_stop()
        deadline = time.monotonic() + STOP_SECONDS
        for member in self.members.values():
            member.end(deadline)

    def __enter__(self) -> Self:
        """Start nothing: what fails while starting must be stopped as well."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave nothing running."""
        self.close()
