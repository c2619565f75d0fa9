"""Secret values of the jobs at work, hidden in every log line of this process, whoever writes it.

Celery logs results and exceptions, libraries log URLs: none of them knows what is secret. The line is masked where it
is made, so that no handler, formatter or service that reads log records can show it.
"""

import logging
from collections.abc import Iterable, Mapping, Sequence
from types import TracebackType
from typing import Any

from jobs.problems import STARS, cover, texts

_at_work: "dict[object, AtWork]" = {}  # by job
_formatter = logging.Formatter()


class AtWork:
    """While the job runs its secrets show as stars: `with AtWork(id, values):`. Costs little where nothing is shown."""

    __slots__ = ("_job", "_secrets", "_texts")

    def __init__(self, job: object, secrets: Sequence[object]) -> None:
        self._job, self._secrets = job, secrets
        self._texts: list[str] | None = None

    def __enter__(self) -> None:
        if self._secrets:
            _at_work[self._job] = self

    def __exit__(self, _type: type[BaseException] | None, _error: object, _trace: TracebackType | None) -> None:
        _at_work.pop(self._job, None)

    def texts(self) -> list[str]:
        if self._texts is None:
            self._texts = texts(self._secrets)
        return self._texts


def secrets() -> list[str]:
    """Every text that must not be seen now, the longest first."""
    known = list(_at_work.values())
    if len(known) == 1:
        return known[0].texts()
    return sorted({text for job in known for text in job.texts()}, key=len, reverse=True)


def masked(value: Any, hidden: list[str] | None = None) -> Any:
    """A JSON-like value with stars where a secret of a job at work stands in it, in names too."""
    hidden = secrets() if hidden is None else hidden
    if not hidden:
        return value
    match value:
        case str():
            return cover(value, hidden)
        case Mapping():
            return {masked(name, hidden): masked(item, hidden) for name, item in value.items()}
        case list() | tuple() | set() | frozenset():
            return [masked(item, hidden) for item in value]
        case None | bool() | int() | float():
            return STARS if str(value) in hidden else value
        case _:
            return _masked_object(value, hidden)


def _masked_object(value: Any, hidden: list[str]) -> Any:
    """Its text, where a secret stands in it."""
    try:
        text = f"{value} {value!r}"
    except Exception:  # noqa: BLE001 - what cannot be printed cannot show anything
        return value
    return cover(str(value), hidden) if cover(text, hidden) != text else value


class Extras(logging.Filter):
    """For handlers: hides what a caller put beside the message (`extra=`), which the factory does not see."""

    def filter(self, record: logging.LogRecord) -> bool:
        if hidden := secrets():
            for name, value in record.__dict__.items():
                if name not in _STANDARD:
                    record.__dict__[name] = masked(value, hidden)
        return True


def install() -> None:
    """From now on every log record of this process is masked; once, however often it is called."""
    made = logging.getLogRecordFactory()
    if getattr(made, "masks", False):
        return

    def factory(*args: Any, **kwargs: Any) -> logging.LogRecord:
        record = made(*args, **kwargs)
        if _at_work:
            _mask(record)
        return record

    factory.masks = True  # type: ignore[attr-defined]
    logging.setLogRecordFactory(factory)


def watch(handlers: Iterable[logging.Handler]) -> None:
    """Let these handlers hide what callers put beside their messages."""
    for handler in handlers:
        if not any(isinstance(known, Extras) for known in handler.filters):
            handler.addFilter(Extras())


def _mask(record: logging.LogRecord) -> None:
    hidden = secrets()
    text = _message(record)
    if (covered := cover(text, hidden)) != text:
        record.msg, record.args = covered, None
    if record.exc_info and record.exc_info[0]:
        # Text from here on: whoever formats the exception anew, would show it anew.
        record.exc_text = cover(_formatter.formatException(record.exc_info), hidden)
        record.exc_info = None


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception:  # noqa: BLE001 - a line whose arguments do not fit is logging's own business
        return f"{record.msg!s} {record.args!r}"


_STANDARD = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime"}
