"""Schedules of this domain, with real processes: what the night finds, it repairs; once."""

import json
import sys
from datetime import UTC, datetime, timedelta

import pytest
from django.core import mail
from django.core.management import call_command
from django.utils import timezone
from django_celery_beat.models import PeriodicTask

from billing_sync.models import Import, ImportReject, Invoice
from billing_sync.tasks import (
    ReconcileInvoices,
    RepairInvoice,
    SyncInvoice,
    email_invoice,
    mail_digest,
    mend,
    prune_imports,
)
from idempotency.models import Record
from jobs.schedules.models import Tick
from tests.billing_sync.files import csv_file, line
from tests.billing_sync.flow.test_invoices_in_synced_and_mailed import QUEUES, import_file
from tests.billing_sync.importing import import_lines, rejects
from tests.billing_sync.running import ends, wait_until_all_is_done
from tests.processes import wait_until
from tests.schedules.making import adopt, beats_were_down_for, outcomes, stand_at, turn

NIGHTLY = "billing: nightly reconciliation"


def sync_schedules():
    call_command("jobs", "sync-schedules", stdout=sys.stderr)
    return {made.name: made for made in PeriodicTask.objects.all()}


def test_the_night_finds_what_the_vendor_lost_and_repairs_it_once(house, tmp_path):
    home = house()
    home.run(*QUEUES, "default")
    import_file(home, csv_file(tmp_path / "a.csv", *(line(f"53636{n}") for n in range(4))))
    wait_until_all_is_done()
    lost = Invoice.objects.order_by("pk").first()
    home.empty_ledger()
    nightly = sync_schedules()[NIGHTLY]
    stand_at(datetime.now(UTC) - timedelta(hours=25), nightly)
    home.programs.beat()
    wait_until(lambda: "fired" in outcomes(NIGHTLY), 30, "a beat fires the night that was missed")
    wait_until(lambda: ends(RepairInvoice) == {"succeeded": 4}, 60, "what was lost is repaired")
    wait_until(lambda: ends(ReconcileInvoices) == {"succeeded": 2}, 60, "the night ends with an empty chunk")
    assert set(home.vendor.effects().values()) == {1}
    assert len(home.vendor.effects()) == 4
    lost.refresh_from_db()
    assert lost.synced_revision == lost.revision
    wait_until_all_is_done()
    assert len(home.mailed()) == 4  # nobody gets his invoice twice
    job = Record.objects.filter(task=ReconcileInvoices.name).order_by("created_at").first()
    assert job.id == Tick.objects.get(schedule=NIGHTLY, outcome="fired").record_id


@pytest.mark.django_db
def test_what_was_never_asked_for_is_asked_for_and_what_waits_for_a_person_is_left_to_him(tmp_path):
    import_lines(tmp_path, line())
    parameters = {"account_id": 17850, "external_invoice_id": "536365", "revision": 1}
    mend(parameters, "2027-03-28")
    mend(parameters, "2027-03-28")  # it is under way
    assert ends(SyncInvoice) == {"queued": 1}
    assert ends(RepairInvoice) == ends(email_invoice) == {}


@pytest.mark.django_db
def test_the_hours_digest_tells_of_imports_and_of_what_is_not_at_the_vendor(tmp_path):
    until = timezone.now() + timedelta(minutes=1)
    mail_digest.run(until=until.isoformat())
    assert mail.outbox == []
    import_lines(tmp_path, line(), line("536366", Quantity="nothing"))
    mail_digest.run(until=until.isoformat())
    (sent,) = mail.outbox
    assert "1 invoices are not at the vendor" in sent.subject
    assert "invoices.csv: 2 lines, 1 refused" in sent.body
    mail.outbox.clear()
    Invoice.objects.update(synced_revision=1)
    mail_digest.run(until=(until + timedelta(hours=2)).isoformat())
    assert mail.outbox == []


@pytest.mark.django_db
def test_old_refused_lines_are_pruned_and_their_import_stays(tmp_path):
    held, _ = import_lines(tmp_path, line(), line("536366", Quantity="nothing"))
    prune_imports.run(week="2027-W12")
    assert len(rejects(held)) == 1
    Import.objects.update(finished_at=timezone.now() - timedelta(days=100))
    assert prune_imports.run(week="2027-W12") == {"rejects": 1, "lines": 0}
    assert not ImportReject.objects.exists()
    assert Import.objects.exists()


@pytest.mark.django_db
def test_what_is_declared_can_be_asked_for():
    """Each schedule's task takes its payload: a typing error would be found at night."""
    made = sync_schedules()
    assert len(made) == 3
    for schedule in made.values():
        adopt()
        beats_were_down_for(timedelta(days=8), schedule)
        turn(schedule)
        assert "fired" in outcomes(schedule), outcomes(schedule)
        assert json.loads(schedule.kwargs)
