import pytest

from tests.records import own_connection


@pytest.fixture
def own(db):
    """A worker's connection, inside a transaction that the test's end rolls back: other connections see nothing."""
    with own_connection() as connection, connection.transaction(force_rollback=True):
        yield connection


@pytest.fixture
def committing(transactional_db):
    """A worker's connection as it really is: each statement is committed. Emptying the tables afterwards takes time."""
    with own_connection() as connection:
        yield connection
