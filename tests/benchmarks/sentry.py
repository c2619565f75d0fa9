"""Sentry as its manual sets it up for Celery, reporting to nobody and tracing nothing."""

import os
from typing import Any

from tests.benchmarks.environment import SENTRY, SENTRY_ADDRESS


def wanted() -> bool:
    return bool(os.environ.get(SENTRY))


def start(*integrations: Any) -> None:
    import sentry_sdk

    sentry_sdk.init(dsn=SENTRY_ADDRESS, traces_sample_rate=0.0, integrations=integrations)
