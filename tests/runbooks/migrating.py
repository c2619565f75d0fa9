"""A plain Celery task that becomes a job: messages of before and callers of both kinds, all for the same work."""

from celery import current_app

from tests.app.models import Effect
from tests.app.tasks import Mark
from tests.runbooks import acts
from tests.runbooks.stack import Stack

OLD, BOTH, NEW = 5, 3, 4  # pieces of work: asked for by old callers alone, by both, by new ones alone


def a_plain_flow(stack: Stack) -> None:
    """Callers of the old release have sent messages; the new one is deployed, and adopts them."""
    stack.deployed["TESTS_ADOPT"] = "1"
    stack.systemctl("start", "jobs-relay")
    _send(range(OLD + BOTH))


def both_ways(_: Stack) -> None:
    """Meanwhile web processes of both releases ask for the same work, and one of the old ones twice."""
    _send(range(OLD, OLD + BOTH))
    for number in range(OLD, OLD + BOTH + NEW):
        Mark.enqueue(name=f"invoice {number}")


def each_is_done_once(_: Stack) -> None:
    """Whoever asked for it, and however often."""
    work = OLD + BOTH + NEW
    acts.seen("SELECT count(*) FROM idempotency_record WHERE state = 'succeeded'", work)
    assert sorted(Effect.objects.values_list("name", flat=True)) == sorted(f"invoice {n}" for n in range(work))


def _send(numbers: range) -> None:
    for number in numbers:
        current_app.send_task(Mark.name, kwargs={"name": f"invoice {number}"}, queue="default")
