"""The bench itself: a measure that is wrong would prove everything."""

import threading
import time
from itertools import pairwise

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.benchmarks import cpu
from tests.processes import wait_until
from tests.vendors.recording import Call, Recording
from tests.vendors.script import BROKEN, NEVER, OK, Answer, Phase, Script, busy


def recording(*spans: tuple[float, float | None]) -> Recording:
    return Recording(Call(at, until, "/", "a", n, 1, 200) for n, (at, until) in enumerate(spans))


@given(st.lists(st.integers(0, 400), max_size=40), st.integers(1, 100))
def test_the_fullest_window_is_that_of_a_slow_count(ticks: list[int], width: int) -> None:
    found = recording(*((float(tick), None) for tick in ticks)).most_within(width)
    assert found == max((sum(start <= tick < start + width for tick in ticks) for start in range(401)), default=0)


def test_a_burst_across_two_seconds_is_one_window() -> None:
    calls = recording(*((0.875 + n / 64, None) for n in range(20)))
    assert calls.most_within() == 20
    assert calls.per_window(0.125) == [8, 8, 4]


def test_calls_at_once_are_counted_by_their_spans_and_not_by_their_number() -> None:
    assert recording((0, 1), (1, 2), (2, 3)).most_at_once() == 1
    assert recording((0, 10), (1, 2), (3, 4)).most_at_once() == 2
    assert recording((0, None), (1, None), (2, 3)).most_at_once() == 3


def test_utilisation_is_one_for_calls_at_exactly_the_rate() -> None:
    assert recording(*((n / 200, None) for n in range(1000))).utilisation(200) == pytest.approx(1)


def test_phases_follow_each_other_by_calls_and_by_time() -> None:
    script = Script([Phase(busy(3), seconds=5), Phase(BROKEN, times=2), Phase(OK, Answer(status=422))], 100.0)
    moments = (100.0, 104.9, 105.0, 105.1, 105.2, 105.3, 105.4)
    assert [script.next(now).status for now in moments] == [429, 429, 500, 500, 200, 422, 200]


def test_a_vendor_answers_by_its_script_and_keeps_what_it_was_asked(vendor) -> None:
    vendor.answers(busy(7), BROKEN, Phase(OK))
    vendor.answers(Answer(status=422), path="/odd")
    with httpx.Client(base_url=vendor.url, trust_env=False) as client:
        first = client.get("/call", params={"account": "a", "number": 5, "attempt": 2})
        statuses = [client.get("/call").status_code for _ in range(3)]
        assert client.post("/odd").status_code == 422
    assert (first.status_code, first.headers["Retry-After"], statuses) == (429, "7", [500, 200, 200])
    calls = vendor.calls()
    assert [call.status for call in calls] == [429, 500, 200, 200, 422]
    assert (calls[0].account, calls[0].number, calls[0].attempt) == ("a", 5, 2)
    assert all(a.until <= b.at for a, b in pairwise(calls))
    assert 0 < time.monotonic() - calls[0].at < 300
    vendor.forget()
    assert len(vendor.calls()) == 0


def test_a_vendor_that_never_answers_tells_when_its_caller_hung_up(vendor) -> None:
    vendor.answers(Phase(NEVER))
    with pytest.raises(httpx.ReadTimeout):
        httpx.get(vendor.url, timeout=2, trust_env=False)
    (call,) = wait_until(lambda: [c for c in vendor.calls() if c.until], message="the vendor noticed")
    assert call.status is None
    assert 0.2 < call.until - call.at < 60


def test_a_vendor_serves_four_hundred_calls_a_second_on_half_a_core(vendor) -> None:
    def call_often() -> None:
        with httpx.Client(base_url=vendor.url, trust_env=False) as client:
            for number in range(500):
                client.get("/call", params={"account": "a", "number": number})

    before = cpu.used({"vendor": vendor.program.pid})["vendor"]
    callers = [threading.Thread(target=call_often) for _ in range(4)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    spent = cpu.used({"vendor": vendor.program.pid})["vendor"] - before
    assert len(vendor.calls()) == 2000
    assert spent / 2000 < 500_000 / 400  # microseconds of processor for a call
