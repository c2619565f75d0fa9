"""Vendors on the bench for tests."""

from collections.abc import Callable, Iterator

import pytest

from tests.processes import Programs
from tests.vendors.vendor import Vendor, start_vendor


@pytest.fixture
def spawn_vendor(programs: Programs) -> Iterator[Callable[[], Vendor]]:
    """`spawn_vendor()`: a vendor that records its calls and answers 200 until it is told otherwise."""
    started: list[Vendor] = []

    def spawn() -> Vendor:
        started.append(start_vendor(programs))
        return started[-1]

    yield spawn
    for vendor in started:
        vendor.close()


@pytest.fixture
def vendor(spawn_vendor: Callable[[], Vendor]) -> Vendor:
    return spawn_vendor()
