"""Ids of records: uuid7, so that they sort by creation and inserts stay at the end of the index."""

from uuid import UUID

from uuid_utils.compat import uuid7


def new_id() -> UUID:
    return uuid7()
