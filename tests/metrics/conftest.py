from datetime import timedelta

import pytest

from jobs.metrics import snapshot
from tests.records import own_connection


@pytest.fixture
def own(db):
    """A connection as the exporter has one, inside a transaction that the test's end rolls back."""
    with own_connection() as connection, connection.transaction(force_rollback=True):
        yield connection


@pytest.fixture
def read(own):
    """Takes a snapshot and returns its `value(metric, **labels)`."""
    return lambda: snapshot.newest(own, fresh=timedelta(0)).value
