"""Sentry as its manual sets it up for Celery, reporting to nobody and tracing nothing."""

import os

from tests.benchmarks.environment import SENTRY, SENTRY_ADDRESS


def start() -> None:
    """Only where the harness asks for it."""
    if not os.environ.get(SENTRY):
        return
    import sentry_sdk

    sentry_sdk.init(dsn=SENTRY_ADDRESS, traces_sample_rate=0.0)
