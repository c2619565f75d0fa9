"""The forms of decisions. A reason is asked for each: whoever comes next wants to know."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django import forms

from idempotency.models import Record
from jobs.review.correcting import CorrectionError, task_of

PREFIX = "parameter-"
LONGEST_REASON = 2_000  # characters


class WhyForm(forms.Form):
    why = forms.CharField(
        label="Reason",
        max_length=LONGEST_REASON,
        widget=forms.Textarea(attrs={"rows": 2, "autofocus": True}),
        help_text="Kept in the audit trail, with your name.",
        error_messages={"required": "Say why: the audit trail needs a reason."},
    )


class CommentForm(WhyForm):
    why = forms.CharField(
        label="Comment", max_length=LONGEST_REASON, widget=forms.Textarea(attrs={"rows": 2, "autofocus": True})
    )


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a payload, as a field. Of a secret one the value is never sent to the page."""

    name: str
    text: str
    secret: bool
    fixed: bool
    given: bool
    is_text: bool
    hint: str

    @property
    def field(self) -> str:
        return PREFIX + self.name


def parameters(record: Record, posted: Mapping[str, str] | None = None) -> list[Parameter]:
    """A field for each parameter that the task's `run` takes; those of the key are fixed."""
    task, payload = task_of(record), record.payload or {}
    signature = task.signature_of_run().parameters
    names = [n for n, p in signature.items() if p.kind is not p.VAR_KEYWORD]
    found = []
    for name in [*names, *(n for n in payload if n not in names)]:
        value, secret, kind = payload.get(name), name in task.sensitive, signature.get(name)
        is_text = isinstance(value, str) or (kind is not None and kind.annotation is str)
        shown = "" if secret or name not in payload else _shown(value, is_text=is_text)
        text = shown if posted is None else posted.get(PREFIX + name, shown)
        fixed, given = name in (task.dedupe_key or ()), name in payload
        hint = _hint(secret=secret, fixed=fixed, given=given, is_text=is_text)
        found.append(Parameter(name, text, secret, fixed, given, is_text, hint))
    return found


def payload_of(record: Record, posted: Mapping[str, str]) -> dict[str, Any]:
    """The payload that a form asks for: what it leaves out or fixes stays as it was.

    Raises:
        CorrectionError: a field is no parameter of the task, or its text is no JSON.
    """
    fields = {p.field: p for p in parameters(record)}
    unknown = [name for name in posted if name.startswith(PREFIX) and name not in fields]
    if unknown:
        raise CorrectionError(f"{record.task} has no parameter {unknown[0].removeprefix(PREFIX)!r}.")
    payload = dict(record.payload or {})
    for field, parameter in fields.items():
        text = posted.get(field)
        if text is None or text == parameter.text:
            continue
        if parameter.fixed:
            raise CorrectionError(f"{parameter.name} makes it this work and not another: it cannot be changed.")
        payload[parameter.name] = _value(parameter, text)
    return payload


def _shown(value: Any, *, is_text: bool) -> str:
    return str(value) if is_text and isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _value(parameter: Parameter, text: str) -> Any:
    if parameter.is_text:
        return text
    try:
        return json.loads(text)
    except ValueError:
        raise CorrectionError(f"{parameter.name}: {text[:80]!r} is no JSON. Put texts into double quotes.") from None


def _hint(*, secret: bool, fixed: bool, given: bool, is_text: bool) -> str:
    if fixed:
        return "part of the key: it makes it this work and not another"
    if secret:
        return "secret: leave it empty to keep what it is" + ("" if is_text else "; JSON")
    return ("text" if is_text else "JSON") + ("" if given else ", not given so far")
