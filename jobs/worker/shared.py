"""What the parent tells its children, and they it, without a message: a few bytes of memory that a fork shares."""

import mmap

STOP, EVENTS = 0, 1
FIRST_SLOT = 2
SLOTS = 1022  # children of one worker; one page

_page = mmap.mmap(-1, FIRST_SLOT + SLOTS)


def stop() -> None:
    """From now on no child claims or starts another job."""
    _page[STOP] = 1


def stopping() -> bool:
    return bool(_page[STOP])


def reset() -> None:
    _page[:] = bytes(len(_page))


def want_events(wanted: bool) -> None:  # noqa: FBT001 - it is the message
    _page[EVENTS] = wanted


def events_wanted() -> bool:
    return bool(_page[EVENTS])


def set_busy(slot: int, busy: bool) -> None:  # noqa: FBT001 - it is the message
    _page[FIRST_SLOT + slot % SLOTS] = busy


def busy() -> int:
    """How many children are at work."""
    return sum(_page[FIRST_SLOT:])
