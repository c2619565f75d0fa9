"""A task that cannot keep its promise is refused when its module is read, with the remedy."""

import subprocess
import sys

import celery
import pytest
from django.core.exceptions import ImproperlyConfigured

from jobs import IdempotentTask, idempotent_task
from tests.app.tasks import Echo, FailTimes, mark_each_time
from tests.processes import ROOT


def define(run, **attributes):
    body = {"run": run, "dedupe_key": None} | attributes
    body = {name: value for name, value in body.items() if value is not ...}
    return type("Wrong", (IdempotentTask,), body | {"__module__": "tests.wrong"})


def plain(self, a): ...


async def coroutine(self, a): ...


def generator(self, a):
    yield a


async def async_generator(self, a):
    yield a


def star(self, *args): ...


def positional(self, a, /): ...


@pytest.mark.parametrize(
    ("run", "attributes", "words"),
    [
        (plain, {"dedupe_key": ...}, "dedupe_key is missing.*dedupe_key = None"),
        (plain, {"dedupe_key": "a"}, r"""must be a tuple: \("a",\)"""),
        (plain, {"dedupe_key": ("b",)}, "'b' is not a parameter"),
        (plain, {"sensitive": ("b",)}, "'b' is not a parameter"),
        (plain, {"calls_per_attempt": 0}, "calls_per_attempt is 0; it must be a whole number from 1 to"),
        (plain, {"calls_per_attempt": 40_000}, "whole number from 1 to"),
        (plain, {"calls_per_attempt": "2"}, "whole number from 1 to"),
        (plain, {"priority": 101}, "priority is 101; it must be a whole number from -100 to 100"),
        (coroutine, {}, "plain function"),
        (generator, {}, "plain function"),
        (async_generator, {}, "plain function"),
        (star, {}, "make 'args' a named parameter"),
        (positional, {}, "make 'a' a named parameter"),
    ],
)
def test_a_definition_that_makes_no_sense_is_refused(run, attributes, words):
    with pytest.raises(ImproperlyConfigured, match=f"(?s)tests.wrong.Wrong: .*{words}"):
        define(run, **attributes)


def test_a_decorated_function_is_checked_like_a_class():
    with pytest.raises(ImproperlyConfigured, match="dedupe_key is missing"):

        @idempotent_task(owner="tests")
        def wrong(a): ...


def test_celerys_own_decorator_makes_one_too():
    app = celery.Celery("another", set_as_current=False)

    @app.task(base=IdempotentTask, name="tests.by_celery", dedupe_key=("a",), shared=False)
    def by_celery(a): ...

    assert isinstance(app.tasks["tests.by_celery"], IdempotentTask)
    with pytest.raises(ImproperlyConfigured, match="dedupe_key is missing"):
        app.task(base=IdempotentTask, name="tests.wrong", shared=False, lazy=False)(by_celery.run)


def test_a_task_is_a_celery_task_under_its_own_name():
    assert isinstance(celery.current_app.tasks["tests.app.Echo"], celery.Task)
    assert type(celery.current_app.tasks["tests.app.Echo"]) is Echo


def test_a_plain_call_runs_the_body_and_needs_no_record():
    assert Echo()(value=3) == {"value": 3}
    assert Echo()(3) == {"value": 3}


def test_a_plain_call_has_no_job():
    with pytest.raises(RuntimeError, match="plain call"):
        FailTimes()(name="a", times=1)


def test_a_decorated_function_is_called_as_it_was_written():
    assert mark_each_time.__wrapped__.__name__ == "mark_each_time"
    with pytest.raises(TypeError, match="unexpected keyword argument"):
        mark_each_time(colour="red")


def test_a_plain_call_works_before_celery_was_ever_used():
    code = (
        "import django; django.setup()\n"
        "from jobs import idempotent_task\n"
        "@idempotent_task(dedupe_key=None)\n"
        "def double(n): return 2 * n\n"
        "print(double(21))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.stdout == "42\n", done.stderr


def test_a_task_with_a_priority_of_its_own_is_registered_without_a_warning_of_celerys():
    class Urgent(IdempotentTask):
        abstract = True  # no task of this process
        priority = 5

    Urgent.bind(celery.Celery("another", set_as_current=False))
    assert Urgent.priority == 5
