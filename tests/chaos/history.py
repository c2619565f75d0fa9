"""What is known after a run: what callers were told, what the tables hold, what the vendor witnessed."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from billing_sync.vendor_simulator.ledger import effects
from tests.chaos.sight import Sight
from tests.chaos.ticking import Ticking

RECORDS = """
SELECT id::text, task, payload->>'name', state, reason, attempt, max_attempts, fencing_token, given_back, finished_at
FROM idempotency_record
"""
ATTEMPTS = "SELECT record_id::text, fencing_token, outcome FROM idempotency_attempt"
ROWS = "SELECT name, count(*) FROM tests_effect GROUP BY name"
OK, FAIL, UNKNOWN = "ok", "fail", "info"


@dataclass(frozen=True)
class Call:
    """One call of a caller. `answer` is what it was told: ok, fail, or nothing that it can rely on (info)."""

    task: str
    name: str
    answer: str
    undo: bool = False  # it meant to roll back
    handle: str = ""  # the record's id that it was given, with ok
    created: bool = False
    why: str = ""


@dataclass(frozen=True)
class Record:
    id: str
    task: str
    name: str
    state: str
    reason: str | None = None
    attempt: int = 1
    max_attempts: int = 20
    token: int = 1
    given_back: int = 0
    finished_at: datetime | None = None

    @property
    def ticked(self) -> bool:
        """Whether a schedule's tick wrote it."""
        return self.task.endswith(".Ticked")


@dataclass(frozen=True)
class Attempt:
    record: str
    token: int
    outcome: str


@dataclass(frozen=True)
class History:
    """All of it. `effects` is the vendor's ledger by name, `rows` the rows that callers and commits left by theirs."""

    calls: list[Call] = field(default_factory=list)
    records: list[Record] = field(default_factory=list)
    attempts: list[Attempt] = field(default_factory=list)
    effects: Counter[str] = field(default_factory=Counter)
    rows: Counter[str] = field(default_factory=Counter)
    ticking: Ticking | None = None

    @property
    def asked(self) -> list[Record]:
        """The records that callers asked for; beats write the others."""
        return [record for record in self.records if not record.ticked]

    @property
    def ticked(self) -> list[Record]:
        return [record for record in self.records if record.ticked]


def gather(histories: Iterable[Path], ledger: Path, sight: Sight, ticking: Ticking | None = None) -> History:
    """Read everything. Raises psycopg.Error: who cannot see must not judge."""
    return History(
        calls=[call for path in histories for call in read_calls(path)],
        records=[Record(*row) for row in sight.all(RECORDS)],
        attempts=[Attempt(*row) for row in sight.all(ATTEMPTS)],
        effects=_by_name(ledger),
        rows=Counter(dict(sight.all(ROWS))),
        ticking=ticking,
    )


def read_calls(path: Path) -> Iterator[Call]:
    """The calls of one caller's file. One that has no second line, or half of one, was never answered."""
    invoked: dict[str, Any] = {}
    for line in path.read_text().splitlines():
        try:
            told = json.loads(line)
        except ValueError:  # it was killed while it wrote
            continue
        if told["op"] == "invoke":
            if invoked:
                yield _call(invoked, {"op": UNKNOWN})
            invoked = told
        elif invoked and told["n"] == invoked["n"]:
            yield _call(invoked, told)
            invoked = {}
    if invoked:
        yield _call(invoked, {"op": UNKNOWN, "why": "never answered"})


def _call(invoked: dict[str, Any], told: dict[str, Any]) -> Call:
    return Call(
        invoked["task"],
        invoked["name"],
        told["op"],
        invoked["undo"],
        told.get("id", ""),
        told.get("created", False),
        told.get("why", ""),
    )


def _by_name(ledger: Path) -> Counter[str]:
    found: Counter[str] = Counter()
    for document, count in effects(ledger).items():
        found[document.external_id] += count
    return found
