"""Classifiers for tests, and errors as a vendor's own client has them."""

from jobs import Permanent, RateLimited, Refused, Transient, Verdict
from tests.app.tasks import Task


class LedgerlyError(Exception):
    """Of a client that wraps everything."""


class SdkThrottledError(Exception):
    """Of another one."""


class SdkErrors:
    """Knows both."""

    def classify(self, error: BaseException) -> Verdict | None:
        match error:
            case LedgerlyError():
                return Permanent()
            case SdkThrottledError():
                return RateLimited(None)
        return None


class _Platform:
    def classify(self, error: BaseException) -> Verdict | None:
        return Transient(by_vendor=True) if isinstance(error, MemoryError | LedgerlyError) else None


of_the_platform = _Platform()


class Raising:
    def classify(self, error: BaseException) -> Verdict | None:
        raise RuntimeError("a bug in the classifier") from error


class Talking:
    def classify(self, _error: BaseException) -> str:
        return "try again"


class Needy:
    def __init__(self, needed: object) -> None: ...


class Judging(Task):
    """Has a word of its own about one error, which it raises as often as it is told."""

    dedupe_key = ("name",)

    def run(self, name: str) -> None:
        self.mark(name)
        raise LedgerlyError("busy")

    def classify(self, error: BaseException) -> Verdict | None:
        return Refused() if isinstance(error, LedgerlyError) else None
