"""What the user sees while the demo runs: on stderr, so that stdout holds the report and nothing else."""

import time
from types import TracebackType
from typing import TYPE_CHECKING, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from idempotency.states import State

if TYPE_CHECKING:
    from config.demo.counts import Counts

# Between two lines where there is no terminal to draw in.
LINE_SECONDS = 5.0


class Screen:
    """Bars in a terminal, plain lines elsewhere."""

    def __init__(self) -> None:
        """Show nothing yet."""
        self.console = Console(stderr=True, highlight=False, soft_wrap=True)
        self.begun = time.monotonic()
        self.last_line = 0.0
        columns = (
            TextColumn("{task.description:>9}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[now]}"),
        )
        self.bars = Progress(*columns, TimeElapsedColumn(), console=self.console)
        self.importing = self.bars.add_task("importing", total=None, now="lines", visible=False)
        self.syncing = self.bars.add_task("syncing", total=None, now="", visible=False)

    def say(self, text: str) -> None:
        """Report an event."""
        self.console.print(f"{time.monotonic() - self.begun:6.1f} s  {text}", markup=False)

    def show(self, counts: "Counts") -> None:
        """Show how far the run has come."""
        now = f"{counts.of(State.PROCESSING)} in flight, {counts.of(State.QUEUED)} queued"
        if self.console.is_terminal:
            self.bars.start()  # not before: the import draws a bar of its own while it reads the file
            self.bars.update(self.importing, completed=counts.lines_done, total=counts.lines, visible=True)
            self.bars.update(self.syncing, completed=counts.settled, total=counts.enqueued, now=now, visible=True)
        elif time.monotonic() - self.last_line > LINE_SECONDS or counts.finished:
            self.last_line = time.monotonic()
            lines = f"lines {counts.lines_done:,} of {counts.lines:,}"
            self.say(f"{lines}, syncs {counts.settled:,} of {counts.enqueued:,} ({now})")

    def __enter__(self) -> Self:
        """Draw nothing before there is something to show."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the last state of the bars on the screen."""
        self.bars.stop()
