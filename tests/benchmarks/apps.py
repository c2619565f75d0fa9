"""Sentry for our side, as `jobs.sentry` says."""

from django.apps import AppConfig

from tests.benchmarks import sentry


class BenchmarksConfig(AppConfig):
    name = "tests.benchmarks"

    def ready(self) -> None:
        if sentry.wanted():
            from jobs.sentry import JobsIntegration

            sentry.start(JobsIntegration())
