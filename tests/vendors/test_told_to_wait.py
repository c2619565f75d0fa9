"""A vendor answers 429 with Retry-After: what it sees from then on, of many workers with hundreds of jobs waiting."""

import json
from datetime import timedelta

import pytest
from django.db import connection

from idempotency import queues
from jobs import JobResult
from tests.app.bench import CallOpen, CallOther
from tests.app.tasks import Echo
from tests.records import by_hand
from tests.vendors.recording import Recording
from tests.vendors.script import OK, Answer, Phase, busy
from tests.vendors.work import attempts, give, row, speeds_up, start_fleet, wait_for_end, wait_for_pause

pytestmark = pytest.mark.usefixtures("transactional_db")

CHILDREN = 4  # of two workers
WAIT = 3  # seconds that the vendor asks for
SHORT = Answer(delay=0.02)


@pytest.fixture
def fleet(programs):
    """Two workers with two children each, all of them on both vendors' queues and the default one."""
    start_fleet(programs, ["open", "other", "default"], workers=2, concurrency=2)


def give_and_refuse(vendor, jobs: int, *afterwards: Answer | Phase, at_least: int = 20) -> None:
    """When work is under way, the vendor asks everybody to wait who comes within some seconds, and then answers."""
    vendor.answers(Phase(SHORT, times=at_least), Phase(busy(WAIT), seconds=WAIT * 0.8), *afterwards)
    give(CallOpen, vendor, range(jobs))
    vendor.wait_for(lambda calls: calls.answered(429), what="somebody was told to wait")


def quiet(calls: Recording) -> tuple[float, float]:
    """From the first 429 to the moment before which nobody may call again, by the last one."""
    refused = calls.answered(429)
    return refused[0].until, refused[-1].until + WAIT


@pytest.mark.usefixtures("fleet")
def test_a_vendor_that_asks_for_time_is_left_alone_then_probed_once_and_no_job_pays(vendor, spawn_vendor):
    other = spawn_vendor()
    other.answers(Phase(SHORT))
    give(CallOther, other, range(3000))
    give_and_refuse(vendor, 200, Answer(delay=0.5), Phase(SHORT), at_least=60)
    calls = vendor.wait_for(lambda calls: calls.between(quiet(calls)[1]), what="the vendor is asked again")
    wait_for_end(CallOpen)
    calls = vendor.calls()

    told, until = quiet(calls)
    assert len(calls.between(told, until)) < CHILDREN, "only what was on the wire came after the first 429"
    assert not calls.between(calls.answered(429)[-1].until, until), "somebody called before the time"
    afterwards = calls.between(until)
    probe = afterwards[0]
    assert probe.at - until < 5, "the probe came late"
    assert len(calls.between(probe.at, probe.until)) == 1, "the probe was not alone"
    ramp = calls.between(probe.until)  # as long as the pause
    assert ramp.per_window(WAIT / 4)[0] <= 12, "a herd followed the probe"
    assert speeds_up(ramp[:40]), "the calls do not grow"
    assert attempts(CallOpen) == {1}, "a job paid an attempt for the vendor's limit"
    assert len(calls) == 200 + len(calls.answered(429)), "each job called once, beside the refusals"

    before, during = (len(other.calls().between(start, start + WAIT)) / WAIT for start in (told - WAIT, told))
    assert before > 0
    assert during > 0.5 * before, "the other vendor's jobs waited as well"


@pytest.mark.usefixtures("fleet")
def test_a_refused_probe_pauses_again_and_the_episode_goes_on(vendor):
    give_and_refuse(vendor, 100, busy(1), busy(1), Phase(OK))
    began = wait_for_pause("open", "rate_limit").episode_at
    told, _ = quiet(vendor.calls())
    vendor.wait_for(lambda calls: len(calls.between(told + WAIT)) >= 2, what="two probes are refused")
    assert row("open").episode_at == began, "a refused probe began a new episode"
    wait_for_end(CallOpen)

    first, second, third, *_ = calls = vendor.calls().between(told + WAIT)
    assert [call.status for call in calls[:3]] == [429, 429, 200]
    assert second.at - first.until >= 1, "the vendor was asked again before the time"
    assert third.at - second.until >= 1
    assert {call.status for call in calls[3:]} == {200}
    assert attempts(CallOpen) == {1}


@pytest.mark.usefixtures("fleet")
def test_a_pause_that_has_lasted_ten_minutes_is_an_alert(vendor, programs):
    def told() -> list[dict]:
        status = programs.manage("jobs", "status", "--json")
        assert status.wait_for_end() == 0, status.log()
        return json.loads(status.log())["pauses"]

    give_and_refuse(vendor, 100, Phase(busy(600)))
    wait_for_pause("open", "rate_limit")
    assert JobResult(str(Echo.enqueue(value="meanwhile").id)).get(timeout=120) == {"value": "meanwhile"}
    for minutes, alert in ((9, False), (10, True)):
        episode = "UPDATE idempotency_queue SET episode_at = clock_timestamp() - %s WHERE name = 'open'"
        by_hand(connection, episode, timedelta(minutes=minutes))
        (pause,) = told()
        assert (pause["vendor"], pause["kind"], pause["alert"]) == ("open", "rate_limit", alert)
        assert "429" in pause["reason"]

    resumed = vendor.answers(Phase(OK))
    queues.resume(connection, "open")
    vendor.wait_for(lambda calls: calls.between(resumed).answered(200), what="the vendor is asked again")
    assert told() == []
