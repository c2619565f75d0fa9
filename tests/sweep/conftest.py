"""Sweeps of every task. Deaths are always all of them; pairs are a sample unless `SWEEP_EXHAUSTIVE` is set."""

import os

import pytest


@pytest.fixture(autouse=True)
def _servers(database, broker):
    """A sweep forks, so nothing may be inside a transaction of a test; and it takes its hints from a real broker."""


@pytest.fixture
def pairs():
    """How many pairs of workers a sweep runs; its report says of how many."""
    return True if os.environ.get("SWEEP_EXHAUSTIVE") else 40


@pytest.fixture
def swept(capsys):
    """`swept(sweep)`: show the figures of a sweep in the log of the test run, and hand it on."""

    def show(sweep):
        with capsys.disabled():
            print(f"\n{sweep}")
        return sweep

    return show
