"""A job that belongs to an account, for backlogs that are only looked at."""

from jobs import IdempotentTask


class OfAccount(IdempotentTask):
    """Is never run."""

    owner = "tests"
    account = "account_id"
    dedupe_key = None

    def run(self, account_id: int, number: int) -> None: ...
