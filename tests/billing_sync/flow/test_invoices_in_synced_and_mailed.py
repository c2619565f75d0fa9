"""The whole of it, with real processes: a file goes in, each invoice reaches the vendor once, each customer a mail."""

import json
import signal

from billing_sync.models import Import, Invoice
from billing_sync.sample import write_sample
from billing_sync.tasks import ImportInvoices, SyncInvoice, email_invoice
from tests.billing_sync.files import csv_file, line
from tests.billing_sync.running import effects_expected, effects_of, ends, wait_until_all_is_done

QUEUES = ("bulk-import", "billing-sync", "critical")


def import_file(house, path, *options):
    program = house.programs.manage("import_invoices", str(path), *options)
    assert program.wait_for_end(60) == 0, program.log()
    return program.log()


def told(log):
    return json.loads(next(text for text in log.splitlines() if text.startswith("{")))


def test_every_invoice_of_a_file_is_synced_once_and_mailed_once(house, tmp_path):
    planted = write_sample(tmp_path / "sample.csv.gz", invoices=60, seed=3)
    home = house()
    home.run(*QUEUES)
    report = told(import_file(home, tmp_path / "sample.csv.gz", "--json"))
    assert (report["invoices"], report["lines"]) == (60, planted["lines"])
    wait_until_all_is_done()
    assert ends(SyncInvoice) == ends(email_invoice) == {"succeeded": report["enqueued"]}
    assert home.vendor.effects() == effects_expected()
    assert set(home.vendor.effects().values()) == {1}
    assert len(set(home.mailed())) == len(home.mailed()) == report["enqueued"] == Invoice.objects.count()
    again = told(import_file(home, tmp_path / "sample.csv.gz", "--json"))
    assert again == report | {"new": False}
    assert ends(ImportInvoices) == {"succeeded": 1}


def test_a_changed_invoice_is_synced_again_under_its_revision(house, tmp_path):
    home = house()
    home.run(*QUEUES)
    for quantity in ("6", "5", "5"):
        import_file(home, csv_file(tmp_path / f"{quantity}.csv", line(Quantity=quantity)))
        wait_until_all_is_done()
    assert [(d.revision, count) for d, count in sorted(home.vendor.effects().items())] == [(1, 1), (2, 1)]
    assert len(home.mailed()) == 2


def test_a_vendor_on_its_worst_day_has_one_effect_for_each_job_that_succeeded(house, tmp_path):
    write_sample(tmp_path / "sample.csv", invoices=60, seed=5)
    home = house("--faults", "storm,rate_limited=0.01", "--hold", "0.8", "--drip", "0.8", "--seed", "2")
    home.run(*QUEUES, LEDGERLY_TIMEOUT_MS="500")
    report = told(import_file(home, tmp_path / "sample.csv", "--json"))
    wait_until_all_is_done()
    accepted = ends(SyncInvoice)
    assert sum(accepted.values()) == report["enqueued"]
    effects, expected = home.vendor.effects(), effects_expected()
    assert set(effects.values()) == {1}
    assert expected.keys() <= effects.keys()
    # Now and then one job in many meets nine faults in a row, and what became of its effect is for a person to see.
    assert effects.keys() <= expected.keys() | effects_of("dead_lettered").keys()
    refused = home.vendor.told("/v1/faults/summary")["faults"]
    assert sum(refused.values()) > 10
    assert ends(email_invoice) == {"succeeded": accepted["succeeded"]}


def test_without_a_worker_the_command_says_so_and_ctrl_c_leaves_the_job_to_the_next_one(house, tmp_path):
    home = house()
    program = home.programs.manage("import_invoices", str(csv_file(tmp_path / "a.csv", line())))
    program.wait_for_log("celery -A config worker -Q bulk-import")
    program.signal(signal.SIGINT)
    assert program.wait_for_end() == 130
    assert "the workers go on with it" in program.log()
    assert "Traceback" not in program.log()
    assert Import.objects.get().state == "staged"
    home.run(*QUEUES)
    wait_until_all_is_done()
    assert sum(home.vendor.effects().values()) == 1
