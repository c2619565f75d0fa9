"""What the parent tells its children, and they it, without a message: a few bytes of memory that a fork shares."""

import mmap
import os
import struct
from uuid import UUID

STOP, EVENTS = 0, 1
FIRST_SLOT = 2
SLOTS = 1022  # children of one worker; one page
NONE, IDLE, BUSY = range(3)  # of a slot: no child, one that waits for a hint, one that follows one

IN_HAND = struct.Struct("<16sQd")  # a job's id, the process that runs it, and since when on the machine's clock
NOBODY = 0  # no process

_page = mmap.mmap(-1, FIRST_SLOT + SLOTS)
_in_hand = mmap.mmap(-1, IN_HAND.size * SLOTS)  # a place for each process, found by its pid
_pid = _place = 0  # of this process


def stop() -> None:
    """From now on no child claims or starts another job."""
    _page[STOP] = 1


def stopping() -> bool:
    return bool(_page[STOP])


def reset() -> None:
    _page[:] = bytes(len(_page))
    _in_hand[:] = bytes(len(_in_hand))


def want_events(wanted: bool) -> None:  # noqa: FBT001 - it is the message
    _page[EVENTS] = wanted


def events_wanted() -> bool:
    return bool(_page[EVENTS])


def set_child(slot: int, does: int) -> None:
    """Whether a child has the slot, and whether it is at work: NONE, IDLE or BUSY."""
    _page[FIRST_SLOT + slot % SLOTS] = does


def busy() -> int:
    """How many children are at work."""
    return _page[FIRST_SLOT:].count(BUSY)


def somebody_idles() -> bool:
    """Whether a child of this worker waits for a hint."""
    return _page.find(bytes([IDLE]), FIRST_SLOT) >= 0


def take_in_hand(job: bytes, since: float) -> None:
    """This process runs the job from now on, by the machine's clock. `job`: the bytes of its id.

    What it leaves here outlives it, so that the parent knows what it ran.
    """
    IN_HAND.pack_into(_in_hand, _place, job, _pid, since)


def put_down() -> None:
    """The job is done."""
    IN_HAND.pack_into(_in_hand, _place, b"", NOBODY, 0.0)


def in_hand(pid: int) -> tuple[UUID, float] | None:
    """The job that a process runs, or ran when it died, and since when on the machine's clock; None: none."""
    job, owner, since = IN_HAND.unpack_from(_in_hand, pid % SLOTS * IN_HAND.size)
    return (UUID(bytes=job), since) if owner == pid else None


def _find_place() -> None:
    global _pid, _place
    _pid = os.getpid()
    _place = _pid % SLOTS * IN_HAND.size


_find_place()
os.register_at_fork(after_in_child=_find_place)
