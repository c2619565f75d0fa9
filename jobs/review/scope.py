"""Which given-up jobs are meant: the one filter of the inbox, of bulk replays and of the command line."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import BooleanField, Q, QuerySet
from django.db.models.expressions import RawSQL
from django.utils.dateparse import parse_datetime
from django.utils.timezone import is_naive, make_aware

from idempotency.models import Record
from idempotency.states import REVIEWABLE, Reason
from jobs.task import registered

# Sensitive parameters are left out, or whoever may look could find out a value by guessing it.
PAYLOAD_HAS = """
    task = ANY(%s) AND jsonb_typeof(payload) = 'object'
    AND EXISTS (SELECT FROM jsonb_each_text(payload - %s::text[]) AS parameter WHERE parameter.value = %s)
"""


class ScopeError(ValueError):
    """A filter that means nothing; the message says which values there are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Given-up jobs that nobody has resolved. What is None does not narrow it.

    `search` is a job's id or key (a uuid), an account, or the value of any parameter that is not sensitive.
    `error` is a part of the error's text. `since` and `until` are aware times between which the jobs were given up.
    """

    task: str | None = None
    queue: str | None = None
    state: str | None = None
    reason: str | None = None
    incident: UUID | None = None
    account: str | None = None
    error: str | None = None
    search: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    @classmethod
    def parse(cls, given: Mapping[str, Any]) -> "Scope":
        """From texts, as a form, a URL or a stored scope has them; empty ones and unknown names narrow nothing.

        Raises:
            ScopeError: a value that no job can have.
        """
        texts = {f.name: str(given[f.name]).strip() for f in fields(cls) if given.get(f.name) not in (None, "")}
        found: dict[str, Any] = {name: _READ.get(name, str)(text) for name, text in texts.items() if text}
        return cls(**found)

    def as_dict(self) -> dict[str, str]:
        """What narrows it, as texts; `parse` reads it again."""
        values = {name: value for name, value in asdict(self).items() if value is not None}
        return {n: v.isoformat() if isinstance(v, datetime) else str(v) for n, v in values.items()}

    def __str__(self) -> str:
        return ", ".join(f"{name} {text}" for name, text in self.as_dict().items()) or "everything that was given up"

    def records(self) -> QuerySet[Record]:
        """The records, in no order."""
        plain = {n: v for n in ("task", "queue", "state", "reason", "incident", "account") if (v := getattr(self, n))}
        found = Record.objects.filter(state__in=REVIEWABLE, resolved_at__isnull=True, **plain)
        if self.error:
            found = found.filter(error__icontains=self.error)
        if self.since:
            found = found.filter(finished_at__gte=self.since)
        if self.until:
            found = found.filter(finished_at__lt=self.until)
        return found.filter(matches(self.search)) if self.search else found


def matches(search: str) -> Q:
    """Records with this id, key or account, or with a parameter of this value."""
    tasks = registered()
    secret = sorted({name for task in tasks.values() for name in task.sensitive})
    has_value = RawSQL(PAYLOAD_HAS, (list(tasks), secret, search), output_field=BooleanField())  # noqa: S611 - bound
    found = Q(account=search) | Q(has_value)
    try:
        id_ = UUID(search)
    except ValueError:
        return found
    return Q(id=id_) | Q(key=id_) | Q(freed_key=id_) | found


def _state(text: str) -> str:
    return _one_of("state", text, sorted(REVIEWABLE))


def _reason(text: str) -> str:
    return _one_of("reason", text, [*Reason])


def _one_of(name: str, text: str, values: list[Any]) -> str:
    if text not in values:
        raise ScopeError(f"There is no {name} {text!r} among given-up jobs; there are {', '.join(map(str, values))}.")
    return str(text)


def _incident(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise ScopeError(f"{text!r} is no incident; its name is a uuid, as the inbox shows it.") from None


def _moment(text: str) -> datetime:
    try:
        found = parse_datetime(text)
    except ValueError:
        found = None
    if found is None:
        raise ScopeError(f"{text!r} is no moment; write it like 2026-12-24T18:00+01:00.")
    return make_aware(found) if is_naive(found) else found


_READ = {"state": _state, "reason": _reason, "incident": _incident, "since": _moment, "until": _moment}
