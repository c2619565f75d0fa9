"""Tasks for tests whose vendor says "not now"."""

from datetime import timedelta

from jobs import RateLimitedError
from tests.app.models import Effect
from tests.app.tasks import Task


class Throttled(Task):
    """Its vendor asks the first caller to wait; every call leaves a row."""

    queue = "throttled"
    vendor = "throttle"
    dedupe_key = ("number",)

    def run(self, number: int, seconds: float) -> int:  # noqa: ARG002 - it is the key
        self.mark("call")
        if Effect.objects.filter(name="call").count() == 1:
            raise RateLimitedError("not now", retry_after=timedelta(seconds=seconds))
        return self.job.attempt
