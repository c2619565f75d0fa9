from dataclasses import dataclass


@dataclass(frozen=True)
class Observation:
    """What was seen: figures in words, and whether the bar was met (None: the system has no such feature)."""

    text: str
    met: bool | None
