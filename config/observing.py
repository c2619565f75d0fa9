"""Where the reference project tells of itself: each part is on where its variable is set.

SENTRY_DSN (and SENTRY_TRACES_SAMPLE_RATE), OTEL_EXPORTER_OTLP_ENDPOINT (and OpenTelemetry's other variables).
"""

import os


def start() -> None:
    """In every process, before workers fork."""
    if dsn := os.environ.get("SENTRY_DSN"):
        _start_sentry(dsn)
    if os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT"):
        _start_tracing()


def _start_sentry(dsn: str) -> None:
    import sentry_sdk

    from jobs.sentry import JobsIntegration

    usual = "0" if os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT") else "0.01"  # one tracer is enough, and half as dear
    share = float(os.environ.get("SENTRY_TRACES_SAMPLE_RATE", usual))
    sentry_sdk.init(dsn, integrations=[JobsIntegration()], traces_sample_rate=share)


def _start_tracing() -> None:
    from opentelemetry import trace
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    from jobs import opentelemetry

    provider = TracerProvider(resource=Resource.create({"service.name": "billing"}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    opentelemetry.instrument()
