"""`bin/demo`: see `--help`."""

import signal
import sys
import threading
from types import FrameType
from typing import NoReturn

import django
from rich.console import Console

from config.demo.arguments import Options, parse
from config.demo.errors import DemoError
from config.demo.place import USER, Place
from config.demo.screen import Screen
from config.demo.stage import Stage
from config.embedded.server import ServerError

INTERRUPTED = 130
FAILED, BROKEN_PROMISE = 2, 1


def main() -> int:
    """Run the demo and return its exit code: 0 only if nothing was lost, doubled or left over."""
    options = parse()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, leave)
    # A shell that starts us in the background has it ignored, and so would all our programs.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with Stage(Place(), options.seed) as stage:
            return show(stage, options)
    except (DemoError, ServerError) as error:
        sys.stderr.write(f"demo: {error}\n")
        return FAILED
    except KeyboardInterrupt:
        return INTERRUPTED


def leave(number: int, _frame: FrameType | None) -> NoReturn:
    """End in order on a signal that would end us on the spot."""
    sys.exit(128 + number)


def show(stage: Stage, options: Options) -> int:
    """Perform the run, print its report, and stay if wanted."""
    with Screen() as screen:
        screen.say("starting PostgreSQL and Valkey")
        stage.open()
        django.setup()
        from config.demo.run import perform

        report = perform(stage, screen, options)
    people = Console(stderr=options.json, highlight=False, soft_wrap=True)
    people.print(report.as_table())
    if options.json:
        sys.stdout.write(report.as_json() + "\n")
        sys.stdout.flush()
    problems = report.problems()
    for problem in problems:
        people.print(f"BROKEN PROMISE: {problem}", markup=False)
    if not options.once:
        stay(stage, people)
    return BROKEN_PROMISE if problems else 0


def stay(stage: Stage, people: Console) -> None:
    """Tell where to look around, and keep everything up until Ctrl-C."""
    place = stage.place
    people.print(f"Admin   {place.admin_url}   user {USER}, password {place.password}", markup=False)
    people.print(
        f"Flower  {place.flower_url}   the same user and password, read-only; it knows what it heard", markup=False
    )
    people.print(f"Logs    {place.logs}\nCtrl-C ends everything and removes it.", markup=False)
    try:
        while True:
            for news in stage.watch():
                people.print(news, markup=False)
            threading.Event().wait(1)
    except KeyboardInterrupt:
        people.print("stopping")


if __name__ == "__main__":
    sys.exit(main())
