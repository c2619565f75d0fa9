"""A call's arguments get their names without being bound, and as `inspect` would bind them."""

import inspect
from itertools import product

import pytest

from idempotency.errors import PayloadError
from jobs import calls


def both(a, b=2): ...
def keyword(a, *, b=2): ...
def anything(a, **more): ...
def nothing(): ...


@pytest.mark.parametrize("run", [both, keyword, anything, nothing])
@pytest.mark.parametrize("args", [(), (1,), (1, 2), (1, 2, 3)])
@pytest.mark.parametrize("names", [*product(["", "a"], ["", "b"], ["", "c", "more"])])
def test_the_quick_way_leads_where_binding_does(run, args, names):
    signature, kwargs = inspect.signature(run), {name: name for name in names if name}
    try:
        bound = calls.bind(signature, "task", args, kwargs)
    except PayloadError as error:
        with pytest.raises(PayloadError, match=str(error).partition(".")[0]):
            calls.bind(signature, "task", args, kwargs, calls.names_of(signature))
    else:
        assert calls.names_of(signature).named(args, kwargs) == bound
