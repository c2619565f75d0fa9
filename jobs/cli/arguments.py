"""What verbs take, checked once."""

from argparse import ArgumentTypeError
from datetime import datetime
from uuid import UUID

from jobs import conf


def queue_name(text: str) -> str:
    if text not in conf.queues():
        raise ArgumentTypeError(f"no queue {text!r} in JOBS_QUEUES; there are {', '.join(sorted(conf.queues()))}")
    return text


def job_id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is no job id; ids look like 0198c5f2-….") from None


def moment(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is no moment; write it like 2026-12-24T18:00+01:00") from None
    if found.tzinfo is None:
        raise ArgumentTypeError(f"{text!r} has no time zone; write it like {text}+00:00")
    return found
