"""How our pages write spans and moments."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django import template
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from idempotency.models import Record

RECT = '<rect x="{}" y="{}" width="{}" height="{}"/>'
SPARK = (96, 22)  # width and height, pixels
AGO = 3  # seconds that count as now
register = template.Library()
# Shown in their own places, where secret values are hidden.
SHOWN_ELSEWHERE = {"payload", "result", "options", "error", "vendor_calls"}


@register.filter
def span(value: timedelta | float | None) -> str:
    """Two units at most: 340 ms, 12 s, 4 min, 3 h 20 min, 5 d."""
    if value is None:
        return "-"
    seconds = value.total_seconds() if isinstance(value, timedelta) else float(value)
    if seconds < 1:
        return f"{max(seconds, 0) * 1000:.0f} ms"
    for limit, unit, size in ((120, "s", 1), (7200, "min", 60), (172_800, "h", 3600)):
        if seconds < limit:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds / 86_400:.0f} d"


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
