"""How spans of time are written for people."""

from datetime import timedelta


def span(value: timedelta | float | None) -> str:
    """Rounded to one unit: 340 ms, 12 s, 4 min, 3 h, 5 d."""
    if value is None:
        return "-"
    seconds = value.total_seconds() if isinstance(value, timedelta) else float(value)
    if seconds < 1:
        return f"{max(seconds, 0) * 1000:.0f} ms"
    for limit, unit, size in ((120, "s", 1), (7200, "min", 60), (172_800, "h", 3600)):
        if seconds < limit:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds / 86_400:.0f} d"
