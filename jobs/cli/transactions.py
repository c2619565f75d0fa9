from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from jobs.cli.printing import say, table

help = "show who holds a transaction open in this database, the oldest first; --end PID ends that session"

# Without the statement: it may hold what is nobody's business, and whose it is says enough.
OPEN = """
SELECT pid, application_name, usename, state, round(extract(epoch FROM clock_timestamp() - xact_start))::int
FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
  AND xact_start < clock_timestamp() - %s * interval '1 second'
ORDER BY xact_start
"""
END = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND pid = %s AND pid <> pg_backend_pid() AND xact_start IS NOT NULL
"""


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--older-than", type=float, default=60.0, metavar="SECONDS", help="default 60")
    parser.add_argument("--end", type=int, metavar="PID", help="end this session; what it has not committed is undone")
    parser.add_argument("--end-all", action="store_true", help="end every session that is shown")


def handle(
    command: BaseCommand, *, json: bool, older_than: float, end: int | None, end_all: bool, **_: Any
) -> None:  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(OPEN, [older_than])
        found = cursor.fetchall()
        wanted = [row[0] for row in found] if end_all else [end] if end is not None else []
        ended = [pid for pid in wanted if _end(cursor, pid)]
    if end is not None and end not in ended:
        raise CommandError(f"Session {end} has no transaction open in this database, or is not ours to end.")
    told = [dict(zip(("pid", "application", "user", "state", "seconds"), row, strict=True)) for row in found]
    text = table(["pid", "application", "user", "state", "seconds"], found) if found else "none"
    say(command, {"transactions": told, "ended": ended}, text + _ended(ended), as_json=json)


def _end(cursor: Any, pid: int) -> bool:
    cursor.execute(END, [pid])
    return bool(cursor.fetchone() == (True,))


def _ended(pids: list[int]) -> str:
    return f"\nended: {', '.join(map(str, pids))}" if pids else ""
