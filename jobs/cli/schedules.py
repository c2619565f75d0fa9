from argparse import ArgumentParser, ArgumentTypeError
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.conf import settings
from django.core.management.base import BaseCommand

from jobs.cli.needing import need_schedules
from jobs.cli.printing import say

help = "show when each schedule ticks next, days on which clocks change, and how many ticks a week has"
MOST = 10_000  # moments of one schedule: more is a typing error


def zone_name(text: str) -> ZoneInfo:
    try:
        return ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError):
        raise ArgumentTypeError(f"{text!r} is no time zone; zones look like Europe/Berlin") from None


def number(text: str) -> int:
    if not text.isdigit() or not 0 < int(text) <= MOST:
        raise ArgumentTypeError(f"{text!r} is no whole number from 1 to {MOST:,}")
    return int(text)


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--next", type=number, default=3, metavar="N", help="moments of each (default: %(default)s)")
    parser.add_argument("--zone", type=zone_name, help="show moments on its clocks; default: each schedule's own")
    parser.add_argument("--schedule", metavar="NAME", help="this one alone")
    parser.add_argument("--svg", type=Path, metavar="FILE", help="draw the week's load into this file as well")


def handle(command: BaseCommand, *, json: bool, zone: ZoneInfo | None, svg: Path | None, **options: Any) -> None:
    need_schedules()
    from jobs.cli import load_chart
    from jobs.schedules import coming

    now, schedules = coming.planned()
    schedules = [s for s in schedules if options["schedule"] in (None, s.name)]
    told = [_told(schedule, now, options["next"], zone) for schedule in schedules]
    week = coming.load(schedules, now, zone or ZoneInfo(settings.TIME_ZONE))
    if svg is not None:
        svg.write_text(load_chart.picture(week))
    shown = {"schedules": told, "load": {f"{d:%Y-%m-%d}": t for d, t in zip(week.days, week.ticks, strict=True)}}
    text = "\n\n".join([*map(_text, told), load_chart.as_text(week)]) if told else "There is no enabled schedule."
    say(command, shown, text, as_json=json)


def _told(schedule: Any, now: datetime, count: int, zone: ZoneInfo | None) -> dict[str, Any]:
    own = zone or ZoneInfo(schedule.zone)
    return {
        "schedule": schedule.name,
        "task": schedule.task,
        "when": schedule.when,
        "policies": schedule.policies,
        "problem": schedule.problem,
        "paused": schedule.paused_why,
        "next": [_moment(tick, own) for tick in schedule.next(count, now)],
    }


def _moment(tick: datetime, zone: ZoneInfo) -> dict[str, Any]:
    from jobs.schedules.coming import change_on

    change = change_on(tick, zone)
    return {"at": tick.astimezone(zone).isoformat(), "clocks": shown_change(change) if change else None}


def shown_change(change: timedelta) -> str:
    sign, hours = ("+" if change > timedelta(0) else "-"), abs(change).total_seconds() / 3600
    return f"{sign}{hours:g} h"


def _text(told: dict[str, Any]) -> str:
    lines = [f"{told['schedule']}: {told['task']}, {told['when']} ({told['policies']})"]
    if told["problem"]:
        lines.append(f"  does not tick: {told['problem']}")
    if told["paused"]:
        lines.append(f"  paused: {told['paused']}")
    for moment in told["next"]:
        mark = f"  clocks {moment['clocks']} on this day" if moment["clocks"] else ""
        lines.append(f"  {datetime.fromisoformat(moment['at']):%a %Y-%m-%d %H:%M:%S %z}{mark}")
    if not (told["next"] or told["problem"]):
        lines.append("  ticks no more")
    return "\n".join(lines)
