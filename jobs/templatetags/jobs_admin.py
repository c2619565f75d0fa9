"""How our pages write spans and moments."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django import template
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from idempotency.models import Record
from idempotency.states import State
from jobs.words import span

RECT = '<rect x="{}" y="{}" width="{}" height="{}"/>'
SPARK = (96, 22)  # width and height, pixels
AGO = 3  # seconds that count as now
register = template.Library()
# Shown in their own places, where secret values are hidden.
SHOWN_ELSEWHERE = {"payload", "result", "options", "error", "vendor_calls"}


register.filter("span", span)


@register.filter
def ago(moment: datetime | None) -> SafeString | str:
    """How long ago, with the exact time for who points at it."""
    if moment is None:
        return "-"
    seconds = (timezone.now() - moment).total_seconds()
    said = "just now" if -AGO < seconds < AGO else f"{span(seconds)} ago"
    exact = timezone.localtime(moment).strftime("%Y-%m-%d %H:%M:%S %Z")
    return format_html('<time datetime="{}" title="{}">{}</time>', moment.isoformat(), exact, said)


@register.filter
def newest_moment(record: Record) -> datetime:
    """When it came to where it stands, as far as the record tells."""
    begun = record.started_at if record.state == State.PROCESSING else None
    return record.finished_at or begun or record.created_at


@register.filter
def short(task: str) -> str:
    """A task's own name, without its package."""
    return task.rpartition(".")[2]


@register.filter
def count(value: int) -> str:
    """A whole number as people read it: 1,204."""
    return f"{value:,}"


@register.filter
def rate(value: Any) -> str:
    """So many a minute; a dash where nobody has counted."""
    if value in (None, ""):  # of a queue that nobody has counted the template says ""
        return "-"
    return f"{value:,.0f}" if value >= 10 or not value else f"{value:.1f}"  # noqa: PLR2004 - below it a digit tells


@register.filter
def spark(values: Sequence[int], label: str) -> SafeString:
    """Bars beside each other, the newest at the right; read aloud as one sentence."""
    highest = max([*values, 1])
    width = SPARK[0] / len(values)
    bars = [
        (round(i * width, 2), round(width - 1, 2), max(round(SPARK[1] * value / highest, 1), 1.5))
        for i, value in enumerate(values)
        if value
    ]
    return format_html(
        '<svg class="spark" viewBox="0 0 {} {}" role="img" aria-label="{} {}, most in a bar {}">'
        '<rect class="base" x="0" y="21" width="96" height="1"/>{}</svg>',
        *SPARK, sum(values), label, max(values),
        format_html_join("", RECT, ((x, SPARK[1] - h, w, h) for x, w, h in bars)),
    )  # fmt: skip


@register.filter
def columns(record: Record) -> list[tuple[str, Any]]:
    """All that the record says of itself, but for what has a place of its own on the page."""
    names = [field.name for field in type(record)._meta.get_fields() if field.concrete]  # noqa: SLF001 - Django's public name for it
    return [(name, getattr(record, name)) for name in names if name not in SHOWN_ELSEWHERE]
