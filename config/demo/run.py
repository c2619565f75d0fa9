"""One run: a file comes in, much goes wrong, and in the end the books are compared.

Imported only once Django is set up: it reads the records through the models.
"""

import time
from io import StringIO
from pathlib import Path
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection

from config.demo.accident import Accident
from config.demo.arguments import Options
from config.demo.counts import Counts
from config.demo.errors import DemoError
from config.demo.place import USER
from config.demo.programs import VENDOR, VICTIM
from config.demo.report import Report
from config.demo.screen import Screen
from config.demo.stage import Stage

LOOK_SECONDS = 0.2
# Longer than any pause, backoff or lease of the profile: who makes no progress for so long never will.
STALL_SECONDS = 60.0


def perform(stage: Stage, screen: Screen, options: Options) -> Report:
    """Import the file, wait until no work is left anywhere, and return what became of it."""
    screen.say("making tables")
    make_tables(stage.place.password)
    stage.start_workers()
    file = options.csv or make_sample(stage.place.directory, options)
    # Without it the first jobs would spend their attempts on refused connections.
    stage.wait_for(VENDOR)
    begun = time.monotonic()
    screen.say(f"importing {file.name}")
    command("import_invoices", file, no_wait=True, json=True)
    screen.say("waiting for the first workers")
    stage.complete()
    accident = Accident(stage.members[VICTIM])
    work_off(stage, screen, accident)
    seconds = time.monotonic() - begun
    stage.wait_for(*stage.members)
    return Report.draw_up(stage.place, accident.kills, seconds)


def make_tables(password: str) -> None:
    """Migrate in this process, which needs Django anyway, and make the admin's user."""
    command("migrate", verbosity=0, interactive=False)
    command("jobs", "sync-schedules")
    get_user_model().objects.create_superuser(USER, f"{USER}@example.com", password)


def make_sample(directory: Path, options: Options) -> Path:
    """Write the file that number and seed stand for."""
    file = directory / "invoices.csv"
    command("sample_invoices", file, invoices=options.invoices, seed=options.seed)
    return file


def command(name: str, *arguments: Any, **options: Any) -> None:
    """Run a management command in this process, where it costs no start."""
    try:
        call_command(name, *arguments, stdout=StringIO(), **options)
    except CommandError as error:
        raise DemoError(str(error)) from error


def work_off(stage: Stage, screen: Screen, accident: Accident) -> None:
    """Return when no record waits or is worked on; meanwhile supervise, report, and let the accident happen."""
    latest, changed = None, time.monotonic()
    while latest is None or not latest.finished:
        for news in stage.watch():
            screen.say(news)
        counts = look(screen, accident) or latest
        if counts != latest:
            latest, changed = counts, time.monotonic()
        elif time.monotonic() - changed > STALL_SECONDS:
            raise DemoError(f"No job has moved for {STALL_SECONDS:g} s: {latest}. See the logs in {stage.place.logs}.")
        time.sleep(LOOK_SECONDS)


def look(screen: Screen, accident: Accident) -> Counts | None:
    """Show the counts and return them; none while the database is away, which is not the end."""
    try:
        counts = Counts.read()
        screen.show(counts)
        if in_flight := accident.happen(counts):
            screen.say(f"killed the whole {VICTIM} worker with SIGKILL; jobs in flight: {in_flight}")
    except OperationalError:
        connection.close()
        return None
    return counts
