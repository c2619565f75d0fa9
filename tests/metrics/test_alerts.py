"""Each alert fires when it should and not before; Prometheus and `jobs watch` say the same at every minute."""

import json
import re
import subprocess
from datetime import UTC, datetime

import pytest
from django.core import mail
from django.core.management import call_command

from idempotency import transitions
from idempotency.states import Reason
from jobs.metrics import telling, watching
from jobs.metrics.alerts import alerts
from tests.metrics import promtool
from tests.metrics.histories import ALL, ASKED_FOR, BOTH, MONITORING
from tests.processes import ROOT
from tests.records import OOPS, by_hand, claim, enqueue, enqueue_plenty
from tests.servers.session import require


def firing_at_each_minute(own, history):
    """The labels under which `jobs watch` sees the history's alert fire, minute by minute."""
    own.execute("DELETE FROM jobs_alarm")
    for minute in range(history.minutes + 1):
        change = watching.look(own, history.at(minute), datetime.fromtimestamp(minute * 60, UTC))
        yield [dict(h.labels) for h in change.firing if h.alert.name == history.alert]


def named(histories):
    return pytest.mark.parametrize("history", histories, ids=lambda h: f"{h.alert}: {h.name}")


@named(BOTH)
def test_the_watch_fires_in_its_minute_or_never(own, history):
    began = next((n for n, found in enumerate(firing_at_each_minute(own, history)) if found), None)
    assert began == history.fires_at


def test_prometheus_says_the_same_at_every_minute(own, tmp_path):
    cases = [(history, list(firing_at_each_minute(own, history))) for history in BOTH]
    for history in MONITORING:
        starts = history.minutes + 1 if history.fires_at is None else history.fires_at
        cases.append((history, [[{}] if minute >= starts else [] for minute in range(history.minutes + 1)]))
    done = promtool.run(tmp_path, cases)
    assert done.returncode == 0, done.stdout + done.stderr


def test_promtool_finds_a_wrong_expectation(tmp_path):
    history = ASKED_FOR[0]
    assert promtool.run(tmp_path, [(history, [[]] * (history.minutes + 1))]).returncode == 1


def test_every_alert_has_a_history_in_which_it_fires_and_one_in_which_it_does_not():
    fires = {h.alert for h in ALL if h.fires_at is not None}
    silent = {h.alert for h in ALL if h.fires_at is None}
    assert fires == {a.name for a in alerts()}
    assert silent == fires - {"JobsWatchdog"}  # it is there to fire


def test_promtool_has_nothing_to_say_of_the_rules():
    done = subprocess.run([require("prometheus"), "check", "rules", "--lint=all", "--lint-fatal",
                           ROOT / "deploy/prometheus/jobs.rules.yml"], capture_output=True, text=True)  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def test_promtool_takes_the_configuration(tmp_path):
    (tmp_path / "jobs.rules.yml").write_text((ROOT / "deploy/prometheus/jobs.rules.yml").read_text())
    text = (ROOT / "deploy/prometheus/prometheus.yml").read_text()
    (tmp_path / "prometheus.yml").write_text(text.replace("/etc/prometheus/", f"{tmp_path}/"))
    (tmp_path / "jobs-exporter.token").write_text("t")
    done = subprocess.run([require("prometheus"), "check", "config", tmp_path / "prometheus.yml"], capture_output=True,
                          text=True)  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


ALERTMANAGER = ROOT / "deploy/alertmanager/alertmanager.yml"
ROUTES = [
    ("severity=page alertname=JobsCriticalTooOld", "pager"),
    ("severity=page alertname=JobsDeadLetterSurge", "pager"),
    ("severity=ticket alertname=JobsVendorPausedTooLong", "tickets"),
    ("severity=none alertname=JobsWatchdog", "watchdog"),
    ("alertname=Unknown", "tickets"),
]


@pytest.mark.parametrize(("labels", "receiver"), ROUTES)
def test_alertmanager_sends_each_alert_where_it_belongs(labels, receiver):
    tool = require("prometheus-alertmanager")
    asked = ["config", "routes", "test", f"--config.file={ALERTMANAGER}", f"--verify.receivers={receiver}"]
    done = subprocess.run([tool, *asked, *labels.split()], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_amtool_takes_the_configuration_and_no_alert_that_was_asked_for_is_inhibited():
    tool = require("prometheus-alertmanager")
    done = subprocess.run([tool, "check-config", ALERTMANAGER], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    inhibited = re.findall(r"target_matchers: \[(.*)\]", ALERTMANAGER.read_text())
    assert inhibited
    assert not any(history.alert in matchers for history in ASKED_FOR for matchers in inhibited)
    named = set(re.findall(r"Jobs\w+", ALERTMANAGER.read_text()))
    assert named <= {a.name for a in alerts()}


# -- the whole way, from the records


@pytest.fixture
def watch(own, monkeypatch, capsys):
    """Looks once at what the records of this test's transaction say; returns the alerts that fire."""
    from jobs.cli import watch as verb

    return lambda: {h.alert.name: h for h in verb.look(own, fresh=True).firing}


@pytest.mark.parametrize(("seconds", "fires"), [(595, False), (601, True)])
def test_a_critical_job_that_is_older_than_ten_minutes(own, watch, seconds, fires):
    enqueue(own, None, queue="critical")
    by_hand(
        own, "UPDATE idempotency_record SET available_at = statement_timestamp() - %s * interval '1 second'", seconds
    )
    assert ("JobsCriticalTooOld" in watch()) == fires


@pytest.mark.parametrize(("count", "fires"), [(20, False), (21, True)])
def test_dead_letters_within_an_hour(own, watch, count, fires):
    enqueue_plenty(own, count)
    for claimed in claim(own, count):
        transitions.dead_letter(own, claimed, reason=Reason.POISON, problem=OOPS)
    by_hand(own, "UPDATE idempotency_givenup SET at = at - interval '59 minutes'")
    assert ("JobsDeadLetterSurge" in watch()) == fires
    by_hand(own, "UPDATE idempotency_givenup SET at = at - interval '1 minute'")
    assert "JobsDeadLetterSurge" not in watch()


@pytest.mark.parametrize(("seconds", "fires"), [(595, False), (601, True)])
def test_a_vendors_queue_that_stays_paused(own, watch, seconds, fires):
    own.execute("INSERT INTO idempotency_queue (name, vendor, paused_at, paused_until, pause_kind, episode_at) VALUES "
                "('billing-sync', 'ledgerly', statement_timestamp(), statement_timestamp() + interval '1 minute', "
                "'rate_limit', statement_timestamp() - %s * interval '1 second')", (seconds,))  # fmt: skip
    assert ("JobsVendorPausedTooLong" in watch()) == fires


def test_people_are_told_once_when_it_begins_and_once_when_it_is_over(own, settings, mailoutbox):
    settings.JOBS_ALERT_MAIL = ["ops@example.com"]
    (history,) = [h for h in ASKED_FOR if h.name == "601 seconds"]
    for minute in (0, 2, 3, 0):
        now = datetime.fromtimestamp(minute * 60, UTC)
        telling.tell(watching.look(own, history.at(minute), now))
    assert [m.subject for m in mailoutbox] == [
        "[jobs] firing: JobsCriticalTooOld", "[jobs] over: JobsCriticalTooOld"]  # fmt: skip
    assert "The oldest job of critical has been due for 601 s" in mailoutbox[0].body
    assert "runbooks/critical-jobs-too-old.md" in mailoutbox[0].body


def test_a_webhook_is_posted_the_same_as_json(own, settings, httpserver_json):
    settings.JOBS_ALERT_WEBHOOK = httpserver_json.url
    (history,) = [h for h in ASKED_FOR if h.name == "601 seconds"]
    telling.tell(watching.look(own, history.at(2), datetime.fromtimestamp(120, UTC)))
    (posted,) = httpserver_json.received
    (firing,) = posted["firing"]
    assert firing["alert"] == "JobsCriticalTooOld"
    assert firing["labels"] == {"queue": "critical"}


def test_a_mail_server_that_is_away_keeps_nobody_from_the_webhook(own, settings, httpserver_json):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_PORT = 9
    settings.JOBS_ALERT_MAIL = "ops@example.com"
    settings.JOBS_ALERT_WEBHOOK = httpserver_json.url
    telling.tell(watching.look(own, ASKED_FOR[0].at(2), datetime.fromtimestamp(120, UTC)))
    assert httpserver_json.received
    assert mail.outbox == []


@pytest.mark.django_db(transaction=True)
def test_the_verb_prints_what_fires_and_ends_with_1(capsys):
    with pytest.raises(SystemExit, match="1"):
        call_command("jobs", "watch", "--once", "--fresh", "--json")
    told = json.loads(capsys.readouterr().out)
    assert {f["alert"] for f in told["firing"]} == {"JobsRelayDown"}
