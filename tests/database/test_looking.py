"""Before a replay the other side is asked: within a time, and without leaving anything behind."""

import pytest
from django.db import connection

from idempotency import queues
from idempotency.queues import Limits
from jobs.review.outlook import look
from tests.processes import wait_until
from tests.review import invoice

OPEN = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'jobs slots'"


@pytest.mark.django_db(transaction=True)
def test_who_asks_a_limited_vendor_leaves_no_connection_behind(settings):
    settings.JOBS_VENDORS = {"ledgerly": {"calls_per_second": 200}}
    settings.LEDGERLY_URL = "http://127.0.0.1:9"  # nobody is there
    queues.configure(connection, "billing-sync", "ledgerly", Limits(calls_per_second=200))
    asked = look(invoice(1, "ConnectTimeout: the vendor did not answer within 10 s"))
    assert asked is not None
    assert "could not be asked (ConnectError)" in asked.why
    wait_until(lambda: still_open() == 0, message="the connection ends")


def still_open() -> int:
    with connection.cursor() as cursor:
        cursor.execute(OPEN)
        return cursor.fetchone()[0]
