"""SIGKILL in the middle of an import, again and again: the same database, the same ledger as an undisturbed run.

Run it alone with `bin/test tests/billing_sync/crash`.
"""

import os
import signal
import time
from random import Random

from django.core.management import CommandError, call_command

from billing_sync.models import Import
from billing_sync.sample import write_sample
from billing_sync.tasks import ImportInvoices, SyncInvoice, email_invoice
from idempotency.models import Record
from tests.billing_sync.importing import staged
from tests.billing_sync.running import effects_expected, ends, everything, wait_until_all_is_done
from tests.processes import wait_until

INVOICES, LINES_PER_CHUNK, KILLS = 150, 2, 10  # some 140 chunks: enough for all kills on a fast machine too
LONGEST_DELAY = 0.05  # seconds; about what one chunk takes, so that kills land in all parts of it


def chunks_done():
    return Import.objects.values_list("chunks_done", flat=True).get()


def over():
    return Import.objects.get().state == Import.State.DONE


def given_up():
    jobs = Record.objects.filter(task=ImportInvoices.name, state__in=["dead_lettered", "failed_permanent"])
    return list(jobs.values("payload", "reason", "attempt", "deaths", "alone", "error"))


def kill_importer(worker, draw):
    """Kills the process that works off chunks, at a random moment after the next two. False if the import is over.

    Two, because the job of one chunk would rightly be given up as poison if it alone saw three workers die.
    """
    two_more = chunks_done() + 2
    wait_until(lambda: chunks_done() >= two_more or over() or given_up(), 30, f"{two_more} chunks are done")
    assert given_up() == []
    moment = time.monotonic() + draw.random() * LONGEST_DELAY
    wait_until(lambda: time.monotonic() > moment)
    victims = worker.children()
    for pid in victims:
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not set(victims) & set(worker.children()), 10, "the killed are gone")
    return bool(victims) and not over()


def emptied():
    """Workers and relay look at the tables meanwhile, and PostgreSQL may choose this side of a deadlock."""
    try:
        call_command("flush", interactive=False, verbosity=0)
    except CommandError:
        return False
    return True


def run(home, path, disturb=lambda: None):
    """Imports the file; returns what the database and the vendor's ledger hold when all jobs have come to an end."""
    staged(path)
    disturb()
    wait_until_all_is_done()
    return everything(), home.vendor.effects()


def test_ten_kills_at_random_moments_leave_the_same_database_and_the_same_ledger(house, tmp_path):
    path, draw = tmp_path / "sample.csv", Random(17)
    write_sample(path, invoices=INVOICES, seed=11)
    home = house()
    home.run("billing-sync", "critical", ready=False)
    importer = home.run("bulk-import", TEST_LINES_PER_CHUNK=str(LINES_PER_CHUNK))
    undisturbed = run(home, path)
    wait_until(emptied)
    home.empty_ledger()

    def disturb():
        landed = sum(kill_importer(importer, draw) for _ in range(KILLS))
        assert landed == KILLS

    assert run(home, path, disturb) == undisturbed
    assert set(undisturbed[1].values()) == {1}
    assert undisturbed[1] == effects_expected()
    assert ends(SyncInvoice) == ends(email_invoice) == {"succeeded": len(undisturbed[1])}
