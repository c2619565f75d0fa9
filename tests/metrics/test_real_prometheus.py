"""Debian's Prometheus scrapes the real programs: the three alerts that were asked for fire, and end."""

import json
import re
import socket
import sys
import time
import urllib.parse
import urllib.request
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import connection

from jobs.metrics import dashboards, measuring, rules
from tests.app.tasks import FailTimes, Mark
from tests.app.throttled import Throttled
from tests.metrics.histories import ASKED_FOR
from tests.metrics.test_gauges import MINUTE, calls
from tests.processes import wait_until
from tests.records import by_hand
from tests.review import person
from tests.servers import debian
from tests.servers.session import require

THREE = {history.alert for history in ASKED_FOR}
PANELS = {panel["title"]: panel["targets"][0]["expr"] for board in dashboards.files().values()
          for panel in json.loads(board)["panels"] if panel["type"] != "row"}  # fmt: skip
# Grafana's panel → the metric in the admin, and the labels that the panel has chosen.
ASKED_FOR_IN_ADMIN = {
    "Queue depth": ("jobs_queue_depth", set()),
    "Job age, p95": ("jobs_waiting_age_seconds", {("quantile", "0.95")}),
    "Success rate": ("jobs_success_ratio", set()),
    "Retry rate": ("jobs_retry_ratio", set()),
    "Dead letters": ("jobs_dead_letters", set()),
    "Latency, p95": ("jobs_vendor_latency_seconds", {("quantile", "0.95")}),
    "Saturation": ("jobs_worker_saturation_ratio", set()),
}
CONFIGURATION = """
global: {{scrape_interval: 500ms, evaluation_interval: 500ms}}
rule_files: [{rules}]
scrape_configs:
  - job_name: jobs
    static_configs: [{{targets: ["{exporter}"]}}]
"""


class Prometheus:
    """One of our own, on loopback."""

    def __init__(self, programs, place, exporter):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.address = f"127.0.0.1:{free.getsockname()[1]}"
        (place / "jobs.rules.yml").write_text(rules.text().replace("interval: 15s", "interval: 500ms"))
        target = urllib.parse.urlsplit(exporter).netloc
        configuration = place / "prometheus.yml"
        configuration.write_text(CONFIGURATION.format(rules=place / "jobs.rules.yml", exporter=target))
        server = debian.program("prometheus").with_name("prometheus")
        self.program = programs.spawn("prometheus", str(server), f"--config.file={configuration}",
                                      f"--storage.tsdb.path={place / 'tsdb'}",
                                      f"--web.listen-address={self.address}")  # fmt: skip
        self.program.wait_for_log("Server is ready")

    def ask(self, path, **query):
        url = f"http://{self.address}/api/v1/{path}?{urllib.parse.urlencode(query)}"
        with urllib.request.urlopen(url) as answer:
            return json.load(answer)["data"]

    def series(self, query, moment):
        """Labels → value of everything that a query finds, without what Prometheus adds."""
        return {
            tuple(sorted((k, v) for k, v in one["metric"].items() if k not in ("__name__", "job", "instance"))): float(
                one["value"][1]
            )
            for one in self.ask("query", query=query, time=moment)["result"]
        }

    def firing(self):
        return {a["labels"]["alertname"] for a in self.ask("alerts")["alerts"] if a["state"] == "firing"}

    def value(self, query):
        found = self.ask("query", query=query)["result"]
        return float(found[0]["value"][1]) if found else None


@pytest.fixture
def prometheus(programs, tmp_path):
    require("prometheus")
    program = programs.spawn("exporter", sys.executable, "manage.py", "jobs", "exporter", "--port", "0", "--json",
                             env={"TESTS_SNAPSHOT": "0.3"})  # fmt: skip
    program.wait_for_log('"url"')
    return Prometheus(programs, tmp_path, json.loads(program.log().splitlines()[-1])["url"])


def same_everywhere(prometheus, client):
    """Whether all were told the same snapshot; then each value must be the same, and each metric must be there."""
    now = time.time()
    admin = client.get("/admin/jobs/overview/metrics/", {"format": "json"}).json()["samples"]
    drawn = {title: prometheus.series(re.sub(r"\$(queue|vendor|task)", ".*", query), now)
             for title, query in PANELS.items()}  # fmt: skip
    moment = max(value for name, _, value in admin if name == "jobs_snapshot_timestamp_seconds")
    if prometheus.series("jobs_snapshot_timestamp_seconds", now) != {(): moment}:
        return False
    for title, (metric, fixed) in ASKED_FOR_IN_ADMIN.items():
        told = {tuple(sorted((k, v) for k, v in labels.items() if (k, v) not in fixed)): value
                for name, labels, value in admin if name == metric and fixed <= set(labels.items())}  # fmt: skip
        assert drawn[title] == told, title
        assert told, title
    return True


@pytest.mark.django_db(transaction=True)
def test_the_three_alerts_fire_and_end_in_a_real_prometheus(prometheus, spawn_worker, spawn_relay, client):
    client.force_login(person("view_record"))
    by_hand(connection, MINUTE, timedelta(minutes=2), 18, 5)
    measuring.add(connection, calls(0.07, 0.3, 4.0))
    spawn_relay()
    spawn_worker("default,throttled", concurrency=2)
    FailTimes.enqueue_many({"name": f"n{i}", "times": 99} for i in range(21))  # dead letters: five attempts each
    Throttled.enqueue(number=1, seconds=3600.0)
    Mark.using(queue="critical").enqueue(name="critical")
    dead_letters = 'sum(jobs_dead_letters{state="dead_lettered"})'
    wait_until(lambda: prometheus.value(dead_letters) == 21, 30, "the jobs are given up")
    assert prometheus.firing() & THREE <= {"JobsDeadLetterSurge"}
    paused = 'jobs_pause_started_timestamp_seconds{kind="rate_limit"}'
    wait_until(lambda: prometheus.value(paused), 20, "the vendor's queue is paused")
    by_hand(connection, "UPDATE idempotency_queue SET episode_at = episode_at - interval '11 minutes'")
    by_hand(connection, "UPDATE idempotency_record SET available_at = available_at - interval '11 minutes' "
                        "WHERE queue = 'critical'")  # fmt: skip
    wait_until(lambda: prometheus.firing() >= THREE, 20, "all three fire")

    wait_until(lambda: same_everywhere(prometheus, client), 20, "admin, Prometheus and Grafana say the same")

    spawn_worker("critical")
    call_command("jobs", "resume", "throttled", "--reason", "they are back")
    by_hand(connection, "UPDATE idempotency_givenup SET at = at - interval '1 hour'")
    wait_until(lambda: not prometheus.firing() & THREE, 30, "all three end")
