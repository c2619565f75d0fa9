"""A claim's jobs as those see them who watch: what their callers sent is looked at once for all jobs of a call."""

from collections.abc import Callable, Collection, Mapping, Sequence
from operator import attrgetter
from typing import Any

from idempotency.claims import Claimed

Options = Mapping[str, Any] | None

_options = attrgetter("options")


class Claim(list[Claimed]):
    """The jobs of one claim. Those of one call share their options, as one object."""

    __slots__ = ("_again", "_options")

    def __init__(self, jobs: Sequence[Claimed]) -> None:
        super().__init__(jobs)
        self._options: dict[int, Options] = {id(options): options for options in map(_options, jobs)}
        self._again = any([c.attempt != 1 or c.replay_count for c in jobs])  # noqa: C419 - a generator costs twice as much

    @classmethod
    def of(cls, jobs: Sequence[Claimed]) -> "Claim":
        """The same, if it is one already."""
        return jobs if isinstance(jobs, Claim) else cls(jobs)

    @property
    def options(self) -> Collection[Options]:
        """What the callers sent, once for each call."""
        return self._options.values()

    def telling(self, tells: Callable[[Options], bool]) -> list[Claimed]:
        """Its jobs whose options tell somebody something, and those that are not on their first attempt."""
        found = {key for key, options in self._options.items() if tells(options)}
        if not found and not self._again:
            return []
        return [c for c in self if id(c.options) in found or c.attempt != 1 or c.replay_count]
