from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Callable, Iterable
from dataclasses import asdict
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from jobs.cli import retry_svg, retry_text
from jobs.cli.printing import say
from jobs.retry import RetryPolicy
from jobs.retry_plan import Planned, Range, plan
from jobs.task import registered

help = "show when a task's attempts start if each one fails: as a table, a chart and a picture"
MOST_ATTEMPTS, MOST_SAMPLES = 1_000, 100_000  # more is a typing error, and would draw for minutes


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("task", metavar="TASK", help="by its full name, such as billing_sync.SyncInvoice")
    parser.add_argument("--attempts", type=_up_to(MOST_ATTEMPTS), metavar="N", help="default: the policy's own")
    parser.add_argument("--samples", type=_up_to(MOST_SAMPLES), default=2_000, metavar="N",
                        help="jobs drawn for the medians (default: %(default)s)")  # fmt: skip
    parser.add_argument("--svg", type=Path, metavar="FILE", help="draw the picture into this file as well")


def handle(
    command: BaseCommand, *, json: bool, task: str, attempts: int | None, samples: int, svg: Path | None, **_: Any
) -> None:
    policy = _policy(task)
    sections = [
        (name, changed, plan(changed, attempts=attempts or changed.max_attempts, samples=samples))
        for name, changed in _policies(policy)
    ]
    if svg is not None:
        _write(svg, retry_svg.picture(f"Retries of {task}", sections))
    text = "\n\n".join([task, *(_as_text(*section) for section in sections), *_notes(policy, svg)])
    told = {"task": task, "policies": [_as_json(*section) for section in sections], "svg": svg and str(svg)}
    say(command, told, retry_text.writable(text, getattr(command.stdout, "encoding", "utf-8")), as_json=json)


def _policy(name: str) -> RetryPolicy:
    tasks = registered()
    if name not in tasks:
        near = _near(name, tasks)
        told = f"Did you mean {' or '.join(near)}?" if near else f"There are {', '.join(sorted(tasks))}."
        raise CommandError(f"No task {name!r}. {told}")
    policy: Any = tasks[name].retry_policy
    if not isinstance(policy, RetryPolicy):
        raise CommandError(f"{name}: retry_policy is {policy!r}; give a jobs.RetryPolicy.")
    return policy


def _near(name: str, known: Iterable[str]) -> list[str]:
    """Names like this one, compared whole and by their last part, which is what people remember."""
    whole = {k.lower(): k for k in known}
    lasts = {k.rpartition(".")[2].lower(): k for k in known}
    by_last = [lasts[k] for k in get_close_matches(name.rpartition(".")[2].lower(), lasts, n=3, cutoff=0.7)]
    by_whole = [whole[k] for k in get_close_matches(name.lower(), whole, n=3, cutoff=0.7)]
    return list(dict.fromkeys(by_last + by_whole))


def _policies(policy: RetryPolicy) -> list[tuple[str, RetryPolicy]]:
    if not policy.overrides:
        return [("On any error", policy)]
    changed = [(f"On {kind.__module__}.{kind.__qualname__}".replace("builtins.", ""), policy.on_class(kind))
               for kind in policy.overrides]  # fmt: skip
    return [("On any other error", policy), *changed]


def _as_text(name: str, policy: RetryPolicy, planned: list[Planned]) -> str:
    table, chart = retry_text.as_table(policy, planned), retry_text.as_chart(policy, planned)
    return f"{name}: {retry_text.summary(policy)}\n\n{table}\n\n{chart}"


def _notes(policy: RetryPolicy, svg: Path | None) -> list[str]:
    notes = [
        "Counted from the end of the first attempt, without the time that the attempts themselves take.",
        "A line reaches from the earliest to the latest start, the dot is where half of the jobs have started.",
    ]
    if policy.deadline is not None or any(policy.on_class(kind).deadline for kind in policy.overrides):
        notes.append(
            "The deadline counts from the request: a retry that would start after it is dead-lettered instead."
        )
    if svg is not None:
        notes.append(f"The picture is in {svg}.")
    return ["\n".join(notes)]


def _as_json(name: str, policy: RetryPolicy, planned: list[Planned]) -> dict[str, Any]:
    """All spans in seconds."""
    spans = {s: getattr(policy, s) for s in ("base", "cap", "deadline")}
    about = {s: span and span.total_seconds() for s, span in spans.items()}
    rows = [{"attempt": p.attempt, "wait": _range(p.wait), "start": _range(p.start), "in_time": p.in_time}
            for p in planned]  # fmt: skip
    return {"on": name, "max_attempts": policy.max_attempts, "jitter": policy.jitter, **about, "attempts": rows}


def _range(drawn: Range) -> dict[str, float]:
    return {name: span.total_seconds() for name, span in asdict(drawn).items()}


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise CommandError(f"{path} cannot be written: {error.strerror}.") from error


def _up_to(most: int) -> Callable[[str], int]:
    def number(text: str) -> int:
        if not text.isdecimal() or not 1 <= int(text) <= most:
            raise ArgumentTypeError(f"{text!r} is no whole number from 1 to {most:,}")
        return int(text)

    return number
