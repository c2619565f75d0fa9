"""Logs as JSON lines, or for the eyes of a terminal, as Django's settings have it.

    LOGGING_CONFIG = "jobs.logs.configure"
    LOGGING = {"style": "json"}  # or "terminal"; "level": "INFO"

Each line tells the job it belongs to, its key and attempt, and the trace; sensitive values are stars. It needs
structlog, and takes lines of structlog's own loggers as well as those of `logging`, Celery's included.
"""

import logging
import sys
from collections.abc import Mapping, MutableMapping
from logging.config import dictConfig
from typing import Any

import structlog
from celery import current_app, signals
from django.core.exceptions import ImproperlyConfigured

from jobs import masking
from jobs.task import current_job

CELERYS = "celery.app.trace"  # logs how each task ended
STYLES = ("json", "terminal")
Line = MutableMapping[str, Any]


def configure(settings: Mapping[str, str]) -> None:
    """What LOGGING_CONFIG names; `settings` are LOGGING. Celery's `--loglevel` wins over its level.

    Raises:
        ImproperlyConfigured: an unknown style.
    """
    style, level = settings.get("style", "json"), settings.get("level", "INFO")
    if style not in STYLES:
        raise ImproperlyConfigured(f"LOGGING: style is {style!r}; it must be one of {', '.join(STYLES)}.")
    dictConfig(_config(style, level))


def _config(style: str, level: str) -> dict[str, Any]:
    named = [structlog.stdlib.add_log_level, structlog.stdlib.add_logger_name]
    shared: list[Any] = [*named, _add_extra, _add_job, _add_trace, structlog.processors.TimeStamper("iso", utc=True)]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    signals.setup_logging.connect(_leave_as_it_is)
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {"masked": {"()": masking.Extras}},
        "formatters": {
            "jobs": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": shared,
                "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, *_rendered(style)],
            }
        },
        "handlers": {"jobs": {"class": "logging.StreamHandler", "formatter": "jobs", "filters": ["masked"]}},
        "root": {"handlers": ["jobs"], "level": level},
    }


def _rendered(style: str) -> list[Any]:
    if style == "terminal":
        return [_mask, structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())]
    return [structlog.processors.format_exc_info, _mask, _name_event, structlog.processors.JSONRenderer(default=str)]


def _leave_as_it_is(loglevel: Any = None, **_: Any) -> None:
    """Celery would put handlers of its own beside ours. What bodies print becomes log lines, as Celery has it."""
    if loglevel is not None:
        logging.getLogger().setLevel(loglevel)
    current_app.log.redirect_stdouts(current_app.conf.worker_redirect_stdouts_level)


def _add_extra(_logger: Any, _method: str, line: Line) -> Line:
    """What stands beside the message, and the exception that was made text."""
    record = line.get("_record")
    if record is None:
        return line
    if name := getattr(record, "log_event", None):
        line["log_event"] = name
    if record.exc_text and not record.exc_info:
        line["exception"] = record.exc_text
    if record.name == CELERYS and isinstance(record.__dict__.get("data"), dict):
        line["runtime"] = record.__dict__["data"].get("runtime")
    return line


def _add_job(_logger: Any, _method: str, line: Line) -> Line:
    if (found := current_job()) is None:
        return line
    task, job = found
    line.update(task=task.name, queue=job.claimed.queue, job_id=str(job.id), attempt=job.attempt)
    line["key"] = str(job.key) if job.key else None
    if line.get("logger") == CELERYS and job.outcome:
        line.setdefault("log_event", f"job.{job.outcome}")
    return line


def _add_trace(_logger: Any, _method: str, line: Line) -> Line:
    """The trace that this thread is in; without a tracer, the one that the job's caller was in."""
    otel: Any = sys.modules.get("opentelemetry.trace")
    if otel and (span := otel.get_current_span().get_span_context()).is_valid:
        return _with(line, trace_id=f"{span.trace_id:032x}", span_id=f"{span.span_id:016x}")
    if (found := current_job()) is not None:
        headers = (found[1].claimed.options or {}).get("headers") or {}
        if "traceparent" in headers:
            return _with(line, trace_id=headers["traceparent"][3:35])
        if "sentry-trace" in headers:
            return _with(line, trace_id=headers["sentry-trace"][:32])
    return line


def _with(line: Line, **more: str) -> Line:
    line.update(more)
    return line


def _mask(_logger: Any, _method: str, line: Line) -> Line:
    """Lines of structlog's own loggers carry values that no log record was made of."""
    hidden = masking.secrets()
    return masking.masked(dict(line), hidden) if hidden else line


def _name_event(_logger: Any, _method: str, line: Line) -> Line:
    """`event` is the name from the table, `message` the text; a line that is none of ours has a text alone."""
    text = line.pop("event", "")
    name = line.pop("log_event", None)
    return {"event": name, "message": text, **line} if name else {"message": text, **line}
