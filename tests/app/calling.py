"""Tasks for tests that call a vendor over HTTP, with the seed's rule for its time-outs in fast motion."""

from datetime import timedelta

import httpx

from jobs import RetryPolicy
from tests.app.tasks import Task

PATIENCE = 1.0  # seconds until a call times out: a busy machine needs some of it until the vendor sees the call
RULE = RetryPolicy(max_attempts=9, base=timedelta(seconds=0.2), cap=timedelta(seconds=6.4), jitter="full")


class Call(Task):
    """Calls the vendor once per attempt."""

    dedupe_key = ("number",)
    retry_policy = RULE
    soft_time_limit, time_limit = 40, 45  # so long that it is claimed alone: no job waits for another one's time-out

    def run(self, url: str, number: int) -> int:
        asked = {"number": number, "attempt": self.job.attempt}
        with httpx.Client(timeout=PATIENCE, trust_env=False) as client:
            return client.post(f"{url}/invoices", params=asked).raise_for_status().status_code
