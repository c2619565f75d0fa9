"""Every write of a queue's row: its pause, its vendor's health, its limits. Claims spend its slots by themselves."""

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from idempotency.claims import Claimed
from idempotency.statements import Connection, run
from idempotency.states import PauseKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a vendor allows; None: no limit.

    Args:
        calls_per_second: of all workers together, with `burst` calls above it at once.
        account_calls_per_second: the same of each account.
        account_serial: one job of an account at a time.
        retry_share: retries for each first attempt; the excess waits, but for `retry_floor` a second.
    """

    calls_per_second: float | None = None
    burst: int = 1
    account_calls_per_second: float | None = None
    account_burst: int = 1
    account_serial: bool = False
    retry_share: float | None = None
    retry_floor: float = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Circuit:
    """After how many failures one after the other a vendor's queue pauses; each failed probe doubles the pause."""

    threshold: int
    shortest: timedelta
    longest: timedelta


@dataclass(frozen=True, slots=True)
class Slot:
    """When a vendor may be called: in how many seconds, and how much later at most."""

    wait: float
    late: float


def configure(connection: Connection, queue: str, vendor: str, limits: Limits) -> None:
    """Make the limits those that every claim keeps from here on."""
    run(connection, "configure", queue=queue, vendor=vendor, **asdict(limits))


def pause(  # noqa: PLR0913 - each is a column
    connection: Connection,
    queue: str,
    *,
    duration: timedelta | None,
    reason: str,
    by: str,
    kind: PauseKind = PauseKind.OPERATOR,
    vendor: str | None = None,
) -> bool:
    """Let nobody claim from the queue for `duration` (None: until resumed). Never shortens a pause; False if longer."""
    params = {"duration": duration, "reason": reason, "by": by, "kind": kind.value, "vendor": vendor}
    return bool(run(connection, "pause", queue=queue, **params))


@dataclass(frozen=True, slots=True)
class SeenPause:
    """A pause as a person saw it: one that began or was prolonged since is left alone."""

    since: datetime
    until: datetime | None


def resume(
    connection: Connection,
    queue: str,
    *,
    by: str | None = None,
    reason: str | None = None,
    seen: SeenPause | None = None,
) -> bool:
    """End a pause at once, without a probe; False where there was none, or not the one that was seen."""
    told = {"seen_at": seen and seen.since, "seen_until": seen and seen.until}
    return bool(run(connection, "resume", queue=queue, by=by, reason=reason, **told))


def recover(connection: Connection, claimed: Claimed) -> bool:
    """The vendor has answered this job: forget its failures and, where the job was the probe, end the pause."""
    return bool(run(connection, "recover", queue=claimed.queue, id=claimed.id, token=claimed.fencing_token))


def trip(connection: Connection, queue: str, vendor: str, circuit: Circuit, *, reason: str, by: str) -> bool:
    """Count a failure of the vendor; True where that pauses its queue."""
    rows = run(connection, "trip", queue=queue, vendor=vendor, **asdict(circuit), reason=reason, by=by)
    return bool(rows and rows[0][0])


def slot(connection: Connection, queue: str) -> Slot | None:
    """Take one call's slot of a limited queue; None where nothing limits it."""
    for wait, late in run(connection, "slot", queue=queue):
        return Slot(wait, late)
    return None
