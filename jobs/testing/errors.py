"""What a sweep raises."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jobs.testing.report import Sweep


class CrashSweepError(Exception):
    """The sweep could not be run; the message says what to do."""


class CrashSweepFailed(AssertionError):  # noqa: N818 - a test fails with it, as with any assertion
    """The sweep was run and found violations. `sweep` holds all of them."""

    def __init__(self, sweep: "Sweep") -> None:
        super().__init__(str(sweep))
        self.sweep = sweep
