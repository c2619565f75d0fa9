"""What can be wrong with a request or a claim, each in one sentence with its remedy."""

from uuid import UUID


class EnqueueError(ValueError):
    """The request was refused before anything was written."""


class PayloadError(EnqueueError):
    """A parameter is missing, unknown, or cannot be kept as JSON. Names the path, as in `lines[3].price`."""


class PayloadTooLargeError(PayloadError):
    """The payload is larger than `JOBS_MAX_PAYLOAD`."""


class KeyPartError(EnqueueError):
    """A part of the dedupe key is missing or of a type that cannot name a thing."""


class KeyConflict(EnqueueError):  # noqa: N818 - the public word for it
    """The key is taken by work with another payload. `record_id` is that work's id."""

    def __init__(self, message: str, record_id: UUID) -> None:
        super().__init__(message)
        self.record_id = record_id


class EnqueueBusy(Exception):  # noqa: N818 - the public word for it
    """Another transaction holds the key and did not end in time; nothing was written. Worth repeating as it is."""


class LeaseLost(Exception):  # noqa: N818 - the public word for it
    """This claim no longer owns the record: another claim, the reaper or a person took it. Nothing was written."""
