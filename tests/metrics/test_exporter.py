"""The exporter, as Prometheus sees it: real programs, real scrapes."""

import json
import socket
import sys
import urllib.error
import urllib.request
from contextlib import suppress

import pytest
from django.core.management import CommandError, call_command

from jobs.cli.exporter import _is_here
from jobs.metrics.catalogue import METRICS
from tests.app.tasks import FailForGood, FailTimes, Mark
from tests.app.throttled import Throttled
from tests.chaos.nemesis.clock import skewed
from tests.metrics.scraping import scrape, value
from tests.processes import wait_until
from tests.servers import debian
from tests.servers.session import require


@pytest.fixture
def exporter(programs):
    def start(*options, **env):
        command = [sys.executable, "manage.py", "jobs", "exporter", "--port", "0", "--json", *options]
        program = programs.spawn("exporter", *command, env={"TESTS_SNAPSHOT": "0.2"} | env)
        program.wait_for_log('"url"')
        return json.loads(program.log().splitlines()[-1])["url"]

    return start


@pytest.mark.django_db(transaction=True)
def test_a_scrape_tells_what_real_workers_did_and_nothing_the_catalogue_lacks(exporter, spawn_worker, spawn_relay):
    Mark.enqueue_many({"name": f"n{i}"} for i in range(20))
    FailForGood.enqueue(name="bad")
    FailTimes.enqueue(name="again", times=2)
    Throttled.enqueue(number=1, seconds=7.0)
    worker = spawn_worker("default,throttled", concurrency=2)
    spawn_relay()
    url = exporter()
    runs = "messaging_process_duration_seconds_count"
    wait_until(lambda: value(scrape(url), runs, messaging_destination_name="default", error_type="") == 21, 30)
    families = scrape(url)
    assert value(families, runs, messaging_destination_name="default", error_type="retried") == 2
    assert value(families, runs, messaging_destination_name="default", error_type="given_up") == 1
    assert value(families, "jobs_queue_wait_seconds_count", queue="default") == 24
    assert value(families, "messaging_client_consumed_messages_total", messaging_destination_name="default") >= 1
    count, of = "jobs_task_seconds_count", {"task": Mark.name, "outcome": "succeeded"}
    assert value(families, count, **of) == 20
    assert 0 < value(families, "jobs_task_seconds_sum", **of) < 20
    assert value(families, count, task=FailTimes.name, outcome="retried") == 2
    asked = value(families, "jobs_vendor_retry_after_seconds_bucket", vendor="throttle", le="30.0")
    assert (asked, value(families, "jobs_vendor_retry_after_seconds_sum", vendor="throttle")) == (1, 7)
    assert value(families, "jobs_worker_memory_bytes", queue="default") > 10e6
    known = {m.name: m for m in METRICS}
    for family in families:
        metric = known[family.name + ("_total" if family.type == "counter" else "")]
        assert family.type == metric.kind
        for one in family.samples:
            labels = {k: v for k, v in one.labels.items() if k != "le"}
            assert set(labels) == set(metric.labels)
            assert all(metric.labels[k].allows(v) for k, v in labels.items())
    worker.stop()
    given_up = {"queue": "default", "state": "failed_permanent"}
    wait_until(lambda: value(scrape(url), "jobs_given_up_last_hour", **given_up) == 1, 30)
    wait_until(lambda: value(scrape(url), "jobs_workers", queue="default") == 0, 30)
    assert value(scrape(url), runs, messaging_destination_name="default", error_type="") == 21


@pytest.mark.django_db(transaction=True)
def test_a_worker_tells_how_far_its_clock_is_from_the_databases(exporter, spawn_worker):
    require("libfaketime")
    spawn_worker("default", env=skewed(debian.program("libfaketime"), "+1h"))
    url, host = exporter(), socket.gethostname()
    wait_until(lambda: value(scrape(url), "jobs_clock_offset_seconds", host=host), 30)
    assert value(scrape(url), "jobs_clock_offset_seconds", host=host) == pytest.approx(3600, abs=10)


@pytest.mark.django_db(transaction=True)
def test_who_says_no_token_is_told_nothing(exporter, tmp_path):
    secret = tmp_path / "token"
    secret.write_text("s3cret\n")
    url = exporter("--token-file", str(secret))
    for said in ({}, {"Authorization": "Bearer wrong"}):
        with pytest.raises(urllib.error.HTTPError, match="401"):
            urllib.request.urlopen(urllib.request.Request(url, headers=said))
    assert scrape(url, Authorization="Bearer s3cret")


def test_an_address_that_others_can_reach_needs_a_token():
    with pytest.raises(CommandError, match="--token-file"):
        call_command("jobs", "exporter", "--host", "0.0.0.0")
    assert [_is_here(h) for h in ("127.0.0.1", "::1", "localhost", "192.0.2.1", "0.0.0.0")] == [True] * 3 + [False] * 2


@pytest.mark.django_db(transaction=True)
def test_while_the_database_is_away_a_scrape_fails_and_the_next_one_is_answered(exporter, database_wire):
    url = exporter(DATABASE_URL=database_wire.url)
    assert scrape(url)
    database_wire.cut()
    with pytest.raises(urllib.error.HTTPError, match="503"):
        scrape(url)
    database_wire.heal()
    wait_until(lambda: answered(url), 15, "the exporter answers again")


def answered(url):
    with suppress(urllib.error.HTTPError):
        return scrape(url)
