"""Jobs that others of the queue `narrow` follow."""

import os

from tests.app.tasks import Mark, Task


class Narrow(Mark):
    """Leaves one row each time its body runs, in a queue that is soon full."""

    queue = "narrow"


class FollowedInRun(Task):
    """Enqueues another job when its own effect is done."""

    dedupe_key = ("name",)

    def run(self, name: str) -> None:
        self.mark(name)
        Narrow.enqueue(name=f"behind {name}")


class FollowedInCommit(Task):
    """Enqueues another job in the transaction that settles it."""

    dedupe_key = ("name",)

    def run(self, name: str) -> None:
        self.mark(name)

    def commit(self, result: None, name: str) -> None:  # noqa: ARG002 - as it is called
        Narrow.enqueue_many([{"name": f"behind {name}"}])


class FollowsItself(Narrow):
    """A queue's job that others of the same queue follow, as many as it is told."""

    dedupe_key = ("name", "more")

    def run(self, name: str, more: int = 0) -> None:  # type: ignore[override]
        self.mark(f"{name} {more} {os.getpid()}")
        if more:
            self.enqueue(name=name, more=more - 1)


class AsksForRoom(Task):
    """Fans out, and asks before it begins."""

    dedupe_key = ("name",)

    def run(self, name: str) -> None:
        from jobs import room_for

        with room_for("narrow", 2):
            self.mark(name)
            Narrow.enqueue_many({"name": f"{name} {i}"} for i in range(2))
