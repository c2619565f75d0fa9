import pytest
from django.test import override_settings


@pytest.fixture
def small_chunks():
    """Two lines per chunk, so that a short file has many."""
    with override_settings(IMPORT_LINES_PER_CHUNK=2):
        yield
