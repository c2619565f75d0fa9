"""Ids of records: uuid7, so that they sort by creation and inserts stay at the end of the index."""

from uuid import UUID

from uuid_utils import uuid7


def new_id() -> UUID:
    return UUID(hex=new_hex())


def new_hex() -> str:
    """The same as the 32 digits that go into a statement: most requests never need the object."""
    return uuid7().hex
