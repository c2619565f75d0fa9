import pytest

from tests.records import own_connection


@pytest.fixture
def own(transactional_db):
    """A worker's connection to the test's database; what it writes is committed."""
    with own_connection() as connection:
        yield connection
