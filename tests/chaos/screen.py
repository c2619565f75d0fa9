"""What people see while it runs, on stderr: a bar in a terminal, a line now and then elsewhere."""

import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

LINE_SECONDS = 10.0


class Screen:
    def __init__(self) -> None:
        self.console = Console(stderr=True, highlight=False, soft_wrap=True)
        self.begun = self.last_line = time.monotonic()
        columns = (TextColumn("faults landed"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[now]}"))
        self.bar = Progress(*columns, TimeElapsedColumn(), console=self.console)
        self.task = self.bar.add_task("", total=None, now="")

    def say(self, text: str) -> None:
        self.console.print(f"{time.monotonic() - self.begun:6.1f} s  {text}", markup=False)

    def show(self, landed: int, wanted: int, now: str) -> None:
        if self.console.is_terminal:
            self.bar.update(self.task, completed=landed, total=wanted, now=now)
        elif time.monotonic() - self.last_line > LINE_SECONDS:
            self.last_line = time.monotonic()
            self.say(f"{landed} of {wanted} faults have landed; {now}")

    def __enter__(self) -> Self:
        if self.console.is_terminal:
            self.bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.bar.stop()
