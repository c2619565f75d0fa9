"""What a person should know before a job is sent again: green, amber or red, and why in one sentence."""

from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooSlow
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from django.db import connections

from idempotency.models import Record
from idempotency.states import Reason
from jobs import slots
from jobs.task import IdempotentTask, registered

PATIENCE = 4.0  # seconds for the other side's answer: a page that waits longer is closed before it is read

_BEWARE = {
    Reason.PERMANENT: "No retry could help when it failed: replay it once the cause is mended.",
    Reason.CANCELLED: "Somebody cancelled it: a replay runs it after all.",
    Reason.POISON: "It took down its workers: replay it once the cause is mended.",
}


class Colour(StrEnum):
    GREEN = "green"
    AMBER = "amber"
    RED = "red"

    @property
    def word(self) -> str:
        return {"green": "safe", "amber": "look first", "red": "likely wrong"}[self.value]


@dataclass(frozen=True, slots=True)
class Outlook:
    """What a replay would probably lead to."""

    colour: Colour
    sentence: str


@dataclass(frozen=True, slots=True)
class Asked:
    """What `already_done` said just now. `found` None: it could not be asked, and `why` says so."""

    found: bool | None
    why: str = ""


def outlook(record: Record, asked: Asked | None = None) -> Outlook:
    """Of one job; `asked` is the answer of `look`, where somebody looked."""
    general = outlook_of(record.task, record.payload_version, record.reason, intended=record.intent_at is not None)
    if general.colour is Colour.RED and registered().get(record.task) is None:
        return general
    if record.payload is None:
        return Outlook(Colour.RED, "Its payload was pruned: there is nothing left to run.")
    if asked and asked.found is not None:
        return _by_answer(general, found=asked.found)
    if asked:
        return Outlook(max(general.colour, Colour.AMBER, key=_HEAT), f"{asked.why} {general.sentence}")
    changed = _changed(record)
    return Outlook(max(general.colour, Colour.AMBER, key=_HEAT), changed) if changed else general


def outlook_of(task: str, payload_version: int, reason: str | None, *, intended: bool) -> Outlook:
    """As far as it can be told without the job itself: one look for all jobs of which these are the same."""
    known = registered().get(task)
    if known is None:
        return Outlook(Colour.RED, f"No task {task} is known here: a replay waits until a worker knows it.")
    if payload_version > known.payload_version:
        newer = f"Its payload has version {payload_version}, this release reads {known.payload_version}"
        return Outlook(Colour.RED, f"{newer}: a replay waits for a newer worker.")
    return _by_reason(known, reason, intended=intended)


def _by_reason(known: type[IdempotentTask], reason: str | None, *, intended: bool) -> Outlook:
    if reason in _BEWARE:
        return Outlook(Colour.AMBER, _BEWARE[Reason(reason)])
    if known.already_done is not None:
        return Outlook(Colour.GREEN, "Before it runs again it looks whether its effect is there already.")
    if reason == Reason.UNKNOWN_OUTCOME or (intended and known.external_effect):
        return Outlook(Colour.RED, "Its effect may have happened, and nobody can look it up: a replay may double it.")
    if intended or known.vendor:
        return Outlook(Colour.AMBER, "Its vendor may have it; it is asked again under the same idempotency key.")
    return Outlook(Colour.GREEN, "No outside effect is known.")


def look(record: Record) -> Asked | None:
    """Ask the other side whether the job's effect is there; None where the task has no `already_done`."""
    task = registered().get(record.task)
    if task is None or task.already_done is None or not isinstance(record.payload, dict):
        return None
    pool = ThreadPoolExecutor(1, thread_name_prefix="look")
    try:
        found = pool.submit(_look, task, record.payload).result(PATIENCE)
    except TooSlow:
        return Asked(None, f"The other side did not answer within {PATIENCE:g} s.")
    except Exception as error:  # noqa: BLE001 - whatever the vendor's client raises, the page must be shown
        return Asked(None, f"The other side could not be asked ({type(error).__name__}).")
    finally:
        pool.shutdown(wait=False)
    return Asked(found is not None)


def subject(record: Record) -> Any:
    """The business object that the job is about, if its task says so and it still exists."""
    return _ask_task(record, "concerns")


def _changed(record: Record) -> str | None:
    found = _ask_task(record, "changed_since", record.created_at)
    return None if found is None else str(found)


def _ask_task(record: Record, hook: str, *first: datetime) -> Any:
    """What a task's hook says of a payload that may be years older than the hook."""
    task = registered().get(record.task)
    asked = task and getattr(task.instance(), hook)
    if asked is None or not isinstance(record.payload, dict):
        return None
    try:
        return asked(*first, **record.payload)
    except Exception:  # noqa: BLE001 - a broken hook must not take the page away
        return None


def _look(task: type[IdempotentTask], payload: dict[str, Any]) -> Any:
    try:
        return task.instance().already_done(**payload)  # type: ignore[misc]
    finally:
        connections.close_all()  # this thread's own, and the one that slots for the call came over
        slots.close()


def _by_answer(general: Outlook, *, found: bool) -> Outlook:
    if found:
        return Outlook(Colour.GREEN, "Asked just now: the other side has it. A replay only records that.")
    none = "Asked just now: the other side does not have it."
    if general.colour is Colour.AMBER:
        return Outlook(Colour.AMBER, f"{none} {general.sentence}")
    return Outlook(Colour.GREEN, f"{none} A replay makes it once.")


_HEAT = list(Colour).index
