"""What one job's page shows: where it stands and why, all that happened to it, and what was asked."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from django.contrib.admin import site as default_site
from django.db import connection
from django.http import HttpRequest
from django.urls import reverse

from idempotency.models import Attempt, Progress, Record, Step
from idempotency.states import REVIEWABLE, State
from jobs import conf
from jobs.admin import deciding
from jobs.admin.pages import may
from jobs.models import Decision, Proposal
from jobs.problems import hide
from jobs.review.outlook import outlook, subject
from jobs.task import registered
from jobs.why import explain

STARS = "********"
MOST_EVENTS = 200  # of each kind: a job that was given back a thousand times is read from its end


@dataclass(frozen=True, slots=True)
class Event:
    """One point of the timeline."""

    at: datetime
    title: str
    mark: str = ""
    text: str = ""
    worker: str = ""
    waited: timedelta | None = None
    ran: timedelta | None = None
    traceback: str = ""
    calls: Any = None
    by: str = ""


def context(request: HttpRequest, record: Record) -> dict[str, Any]:
    explained = explain(connection, record.id)
    eyes = Eyes(record)
    return {
        "record": record,
        "why": explained and eyes.text(explained[1]),
        "choices": deciding.choices(request, record),
        "machine": machine(record),
        "events": timeline(record, eyes),
        "payload": eyes.payload(),
        "result": eyes.json(record.result),
        "steps": [(step, eyes.json(step.result)) for step in Step.objects.filter(record_id=record.id)[:MOST_EVENTS]],
        "progress": Progress.objects.filter(record_id=record.id).first(),
        "outlook": outlook(record) if record.state in REVIEWABLE and record.resolved_at is None else None,
        "subject": _subject(request, record),
        "links": links(record),
        "successor": Record.objects.filter(replaces=record.id).first(),
        "proposals": Proposal.objects.filter(record_id=record.id, decision__isnull=True),
        "may_approve": may(request, deciding.REPLAY) and may(request, deciding.EDIT),
        "task": registered().get(record.task),
    }


class Eyes:
    """What may be seen of a job: its secret values are stars wherever they turn up."""

    def __init__(self, record: Record) -> None:
        self.task = registered().get(record.task)
        self.record = record
        given = record.payload if isinstance(record.payload, dict) else {}
        self.secrets = [given[name] for name in self.task.sensitive if name in given] if self.task else []

    def payload(self) -> str | None:
        """Of a task that this process does not know, only the names: nobody can tell which values are secret."""
        given = self.record.payload
        if not isinstance(given, dict):
            return None
        return _pretty(self.task.masked(given) if self.task else dict.fromkeys(given, STARS))

    def json(self, value: Any) -> str | None:
        if value is None:
            return None
        return self.text(_pretty(value)) if self.task else STARS

    def text(self, text: str | None) -> str:
        return hide(text or "", self.secrets)


def timeline(record: Record, eyes: Eyes) -> list[Event]:
    """Everything that is known to have happened, in order."""
    events = [Event(record.created_at, "enqueued", text=_how_enqueued(record))]
    events += _attempts(record, eyes)
    events += [_decided(d) for d in Decision.objects.filter(record_id=record.id).order_by("-id")[:MOST_EVENTS]]
    events += list(_newest(record, events))
    return sorted(events, key=lambda event: event.at)


def _newest(record: Record, before: Iterable[Event]) -> Iterable[Event]:
    """The attempt that no row tells of: one that runs, or that succeeded."""
    began, number, worker = record.started_at, record.attempt, record.claimed_by or ""
    if began is None:
        return
    came = max((e.at for e in before if e.at <= began and e.title != _DECIDED["comment"]), default=began)
    if record.state == State.PROCESSING:
        yield Event(began, f"attempt {number} is running", worker=worker, waited=began - came)
    if record.state == State.SUCCEEDED and (ended := record.finished_at):
        title, calls = f"attempt {number} succeeded", record.vendor_calls
        yield Event(ended, title, "good", worker=worker, waited=began - came, ran=ended - began, calls=calls)


def _how_enqueued(record: Record) -> str:
    return f"corrects and replaces job {record.replaces}" if record.replaces else ""


def _attempts(record: Record, eyes: Eyes) -> Iterable[Event]:
    came = record.created_at
    newest = list(Attempt.objects.filter(record_id=record.id).order_by("-id")[:MOST_EVENTS])
    for attempt in reversed(newest):
        began = attempt.started_at or attempt.finished_at
        yield Event(
            attempt.finished_at,
            _WORDS.get(attempt.outcome, "attempt {} ended: " + attempt.outcome).format(attempt.attempt),
            "bad" if attempt.outcome in {"fail", "dead_letter"} else "warn",
            text=eyes.text(": ".join(filter(None, [attempt.error_class, attempt.error_message]))),
            worker=attempt.worker or "",
            waited=max(began - came, timedelta(0)),
            ran=attempt.finished_at - began if attempt.started_at else None,
            traceback=eyes.text(attempt.traceback),
            calls=attempt.vendor_calls,
        )
        came = attempt.finished_at


_WORDS = {
    "retry": "attempt {} failed",
    "fail": "attempt {} failed for good",
    "dead_letter": "attempt {} failed; given up",
    "give_back": "attempt {} given back",
    "reap": "attempt {} lost its worker",
}


def _decided(decision: Decision) -> Event:
    word = _DECIDED.get(decision.action, decision.action)
    return Event(decision.at, word, "person", text=decision.why, by=decision.by)


_DECIDED = {
    "replay": "replayed",
    "correct": "payload corrected",
    "propose": "corrected payload proposed",
    "discard": "discarded",
    "cancel": "cancelled",
    "comment": "commented",
}


def machine(record: Record) -> list[dict[str, Any]]:
    """The five states, for the picture."""
    return [
        {"name": name, "x": x, "y": y, "here": record.state == name, "label": name.replace("_", " ")}
        for name, x, y in (
            (State.QUEUED, 10, 62), (State.PROCESSING, 200, 62),
            (State.SUCCEEDED, 430, 8), (State.FAILED_PERMANENT, 430, 62), (State.DEAD_LETTERED, 430, 116),
        )
    ]  # fmt: skip


def links(record: Record) -> list[tuple[str, str]]:
    """Where else to look, as `JOBS_LINKS` says."""
    names = {n: quote(str(getattr(record, n) or ""), safe="") for n in ("id", "task", "queue", "incident", "key")}
    return [(name, _filled(url, names)) for name, url in conf.links().items()]


def _filled(url: str, names: dict[str, str]) -> str:
    for name, value in names.items():
        url = url.replace(f"{{{name}}}", value)
    return url


def _subject(request: HttpRequest, record: Record) -> tuple[str, str] | None:
    """Name and address of the business object's page, for who may see it."""
    found = subject(record)
    meta = getattr(found, "_meta", None)
    if meta is None or type(found) not in default_site._registry:  # noqa: SLF001 - the admin has no public question
        return None
    if not may(request, f"{meta.app_label}.view_{meta.model_name}"):
        return None
    return f"{meta.verbose_name} {found}", reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=[found.pk])


def _pretty(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)
