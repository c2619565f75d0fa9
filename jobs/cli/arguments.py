"""What verbs take, checked once."""

from argparse import ArgumentTypeError
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
