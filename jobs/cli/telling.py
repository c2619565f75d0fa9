"""How verbs tell of decisions, and of a bulk replay while it goes."""

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError

from jobs.cli.printing import say
from jobs.models import BulkReplay
from jobs.review import bulk_counts
from jobs.review.bulk import Group, tally
from jobs.review.bulk_counts import Counts
from jobs.review.decisions import Answer
from jobs.review.outlook import Colour

BAR = 30  # characters
POLL = 0.25  # seconds: the relay's own step
QUIET = 10.0  # seconds in which a relay would have begun
MOVING = (BulkReplay.State.CANARY, BulkReplay.State.RUNNING)


def tell_answers(command: BaseCommand, answers: Mapping[UUID, Answer], *, as_json: bool) -> None:
    """A line for each job. Ends with an error where jobs were left alone, so that a script notices."""
    for id_, answer in answers.items():
        text = f"{id_}: {answer.sentence}" if answer.done else f"{id_}: left alone: {answer.sentence}"
        say(command, {"job": id_, "done": answer.done, "answer": answer.sentence}, text, as_json=as_json)
    left = sum(not answer.done for answer in answers.values())
    if left:
        raise CommandError(f"{left} of {len(answers)} jobs were left alone.")


def tell_groups(command: BaseCommand, groups: list[Group], *, as_json: bool) -> None:
    """What a replay would lead to."""
    colours = tally(groups)
    shown = [
        {
            "jobs": g.count, "verdict": g.outlook.colour.value, "task": g.task, "reason": g.reason,
            "accounts": g.accounts, "causes": g.causes, "sentence": g.outlook.sentence,
        }
        for g in groups
    ]  # fmt: skip
    told = ", ".join(f"{number} {Colour(colour).word}" for colour, number in colours.items())
    lines = [f"{sum(colours.values())} jobs: {told}"]
    lines += [f"{g.count:>8}  {g.outlook.colour.word:<12}  {g.task}: {g.outlook.sentence}" for g in groups]
    say(command, {"dry_run": True, "verdicts": colours, "groups": shown}, "\n".join(lines), as_json=as_json)


def tell_bulk(command: BaseCommand, found: BulkReplay, *, as_json: bool) -> None:
    """Where a bulk replay stands."""
    counts = bulk_counts.count(found)
    left = bulk_counts.left_alone(found)
    value = {
        "bulk": found.pk, "state": found.state, "why": found.state_why, "by": found.by, "reason": found.why,
        **asdict(counts), "answered": counts.answered, "left_alone": counts.left, "under_way": counts.under_way,
        "left": [asdict(reason) for reason in left],
    }  # fmt: skip
    lines = [f"bulk replay {found.pk}, {found.get_state_display().lower()}: {_in_words(counts)}"]
    lines += [f"  {found.state_why}"] if found.state_why else []
    lines += [f"{reason.count:>8}  left alone: {reason.why}" for reason in left]
    say(command, value, "\n".join(lines), as_json=as_json)


def follow(command: BaseCommand, found: BulkReplay, *, as_json: bool) -> None:
    """Wait until it moves no more, with a bar on a terminal; whoever interrupts that does not interrupt it."""
    try:
        _wait(command, found, _bar(command))
    except KeyboardInterrupt:
        command.stderr.write(f"\nIt goes on without you: `manage.py jobs bulk {found.pk}` shows and holds it.")
        return
    tell_bulk(command, found, as_json=as_json)
    if found.state in (BulkReplay.State.STOPPED, BulkReplay.State.CANCELLED):
        raise CommandError(f"Bulk replay {found.pk} was {found.get_state_display().lower()}: {found.state_why}.")


def _wait(command: BaseCommand, found: BulkReplay, draw: Callable[[Counts], None]) -> None:
    warned_at = time.monotonic() + QUIET
    while True:
        found.refresh_from_db()
        counts = bulk_counts.count(found)
        draw(counts)
        if found.state not in MOVING:
            return
        if not counts.answered and time.monotonic() > warned_at:
            command.stderr.write("Nothing has moved so far: is `manage.py jobs relay` running?")
            warned_at = float("inf")
        time.sleep(POLL)


def _bar(command: BaseCommand) -> Callable[[Counts], None]:
    """Draws over its own line, and ends it when all had their turn; draws nothing where nobody looks."""
    if not command.stderr.isatty():
        return lambda _: None

    def draw(counts: Counts) -> None:
        full = BAR * counts.answered // max(counts.total, 1)
        ending = "\n" if not counts.waiting else ""
        text = f"\r[{'#' * full}{'.' * (BAR - full)}] {_in_words(counts)}\x1b[K"
        command.stderr.write(text, style_func=str, ending=ending)

    return draw


def _in_words(counts: Counts) -> str:
    return (
        f"{counts.answered} of {counts.total} had their turn; {counts.succeeded} succeeded, "
        f"{counts.given_up} given up again, {counts.under_way} under way, {counts.left} left alone"
    )
