"""Vendors: what each allows, as `JOBS_VENDORS` says. A vendor owns its queue, so its limits are the queue's."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed

from idempotency import queues
from idempotency.queues import Circuit, Limits
from idempotency.statements import Connection
from jobs import conf

FAILURES = 10  # one after the other: beyond what a vendor that loses one call in three shows in a day
SHORTEST, LONGEST = timedelta(seconds=15), timedelta(minutes=10)  # of a circuit's pause; it doubles in between
MOST = 10**6  # calls at once; more is no limit, and far more no number of a column's
RETRY_FLOOR = 10.0  # retries a second always: where nothing new comes, what is left must still be done today
RETRY_SHARE = 0.2  # of the calls, a fifth more: a vendor that fails must not be hit harder for it


@dataclass(frozen=True, slots=True)
class Vendor:
    """One entry of `JOBS_VENDORS`."""

    limits: Limits
    circuit: Circuit


@cache
def declared(name: str) -> Vendor:
    """What is declared of a vendor; one that is not in `JOBS_VENDORS` has no limits.

    Raises:
        ImproperlyConfigured: a key or a value that means nothing, with the remedy.
    """
    entry: Any = conf.vendors().get(name, {})
    if not isinstance(entry, Mapping):
        raise ImproperlyConfigured(f"JOBS_VENDORS[{name!r}] is {entry!r}; it must be a dict of {', '.join(KEYS)}.")
    said = dict(entry)
    found = Vendor(_limits(name, said), _circuit(name, said))
    if said:
        known, unknown = ", ".join(KEYS), ", ".join(sorted(map(str, said)))
        raise ImproperlyConfigured(f"JOBS_VENDORS[{name!r}]: unknown {unknown}; it knows {known}.")
    return found


def _limits(name: str, said: dict[str, Any]) -> Limits:
    share, floor = _retries(name, said)
    return Limits(
        calls_per_second=_rate(name, said, "calls_per_second"),
        burst=_burst(name, said, "burst"),
        account_calls_per_second=_rate(name, said, "account_calls_per_second"),
        account_burst=_burst(name, said, "account_burst"),
        account_serial=_is_serial(name, said),
        retry_share=share,
        retry_floor=floor,
    )


def _is_serial(name: str, said: dict[str, Any]) -> bool:
    concurrency = said.pop("account_concurrency", None)
    if concurrency not in (None, 1):
        raise _wrong(name, "account_concurrency", concurrency, "1, or None for no limit")
    return concurrency is not None


def _retries(name: str, said: dict[str, Any]) -> tuple[float | None, float]:
    share, floor = said.pop("retry_share", RETRY_SHARE), said.pop("retry_floor", RETRY_FLOOR)
    if share is not None and (isinstance(share, bool) or not isinstance(share, (int, float)) or not 0 < share <= 1):
        raise _wrong(name, "retry_share", share, "a share above 0 and up to 1, or None for no budget")
    if isinstance(floor, bool) or not isinstance(floor, (int, float)) or not 0 < floor < math.inf:
        wanted = "retries per second, above 0: else those that are left when nothing new comes would wait for ever"
        raise _wrong(name, "retry_floor", floor, wanted)
    return share, float(floor)


KEYS = ("calls_per_second", "burst", "account_calls_per_second", "account_burst", "account_concurrency", "retry_share",
        "retry_floor", "circuit_failures", "circuit_shortest", "circuit_longest")  # fmt: skip


def _rate(name: str, said: dict[str, Any], key: str) -> float | None:
    rate = said.pop(key, None)
    if rate is not None and (isinstance(rate, bool) or not isinstance(rate, (int, float)) or not 0 < rate < math.inf):
        raise _wrong(name, key, rate, "calls per second, above 0")
    return None if rate is None else float(rate)


def _burst(name: str, said: dict[str, Any], key: str) -> int:
    burst = said.pop(key, 1)
    if isinstance(burst, bool) or not isinstance(burst, int) or not 1 <= burst <= MOST:
        raise _wrong(name, key, burst, f"a whole number of calls from 1 to {MOST}")
    return burst


def _circuit(name: str, said: dict[str, Any]) -> Circuit:
    failures = said.pop("circuit_failures", FAILURES)
    if isinstance(failures, bool) or not isinstance(failures, int) or failures < 1:
        raise _wrong(name, "circuit_failures", failures, "a whole number, 1 or more")
    shortest, longest = said.pop("circuit_shortest", SHORTEST), said.pop("circuit_longest", LONGEST)
    if not (isinstance(shortest, timedelta) and isinstance(longest, timedelta) and timedelta(0) < shortest <= longest):
        raise _wrong(name, "circuit_shortest", f"{shortest} (circuit_longest {longest})", "a timedelta, not the longer")
    return Circuit(threshold=failures, shortest=shortest, longest=longest)


def _wrong(name: str, key: str, value: object, wanted: str) -> ImproperlyConfigured:
    return ImproperlyConfigured(f"JOBS_VENDORS[{name!r}]: {key} is {value!r}; it must be {wanted}.")


def configure(connection: Connection, vendors: Mapping[str, str]) -> None:
    """Write what is declared of the vendor of each queue where every claim reads it."""
    for queue, name in sorted(vendors.items()):
        queues.configure(connection, queue, name, declared(name).limits)


setting_changed.connect(lambda **_: declared.cache_clear(), weak=False)
