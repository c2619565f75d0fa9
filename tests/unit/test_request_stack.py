"""Our stack of requests answers as Celery's does."""

import threading

import pytest
from celery.utils.threads import LocalStack

from jobs import IdempotentTask
from jobs.request_stack import RequestStack
from tests.app.tasks import Echo


@pytest.mark.parametrize("steps", ["", "+", "+-", "-+", "++-", "+--+", "++--", "+-+++-"])
def test_it_answers_as_celerys(steps):
    ours, celerys = RequestStack(), LocalStack()
    for number, step in enumerate(steps):
        for stack in (ours, celerys):
            stack.push(number) if step == "+" else stack.pop()
        assert (ours.top, list(ours.stack), len(ours)) == (celerys.top, list(celerys.stack), len(celerys))
    assert ours.pop() == celerys.pop()


def test_each_thread_has_its_own():
    stack, seen = RequestStack(), []
    stack.push("mine")

    def other():
        seen.append(stack.top)
        stack.push("theirs")

    thread = threading.Thread(target=other)
    thread.start()
    thread.join()
    assert (seen, stack.stack) == ([None], ["mine"])


def test_a_task_keeps_it_when_celery_binds_the_task(settings):
    task = Echo.instance()
    assert task.app  # binds it
    assert isinstance(task.request_stack, RequestStack)
    assert all(
        isinstance(t.request_stack, RequestStack) for t in task.app.tasks.values() if isinstance(t, IdempotentTask)
    )
