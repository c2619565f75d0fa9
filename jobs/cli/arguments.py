"""What verbs take, checked once."""

from argparse import ArgumentTypeError
from datetime import datetime, timedelta
from uuid import UUID

from jobs import conf

LONGEST_SPAN = timedelta(days=3653)


def queue_name(text: str) -> str:
    if text not in conf.queues():
        raise ArgumentTypeError(f"no queue {text!r} in JOBS_QUEUES; there are {', '.join(sorted(conf.queues()))}")
    return text


def job_id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is no job id; ids look like 0198c5f2-….") from None


def span(text: str) -> timedelta:
    """Seconds. Up to ten years: what is longer is meant to last until somebody ends it, and no date can show it."""
    try:
        found = timedelta(seconds=float(text))
    except (ValueError, OverflowError):
        raise ArgumentTypeError(f"{text!r} is no number of seconds") from None
    if not timedelta(0) < found <= LONGEST_SPAN:
        raise ArgumentTypeError(f"{text!r} is not above 0 and up to ten years; leave it out for no end")
    return found


def moment(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is no moment; write it like 2026-12-24T18:00+01:00") from None
    if found.tzinfo is None:
        raise ArgumentTypeError(f"{text!r} has no time zone; write it like {text}+00:00")
    return found
