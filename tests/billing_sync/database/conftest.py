import pytest
from django.test import override_settings


@pytest.fixture
def small_chunks():
    """Two invoices per chunk, so that a short file has many."""
    with override_settings(IMPORT_INVOICES_PER_CHUNK=2):
        yield
