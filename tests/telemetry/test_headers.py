"""Headers that jobs of one claim have in common are read once, and yet each job has its own."""

from idempotency.models import Record
from tests.app.telling import SpoilsHeaders
from tests.processes import wait_until
from tests.telemetry.test_traces import ended


def test_what_a_body_does_to_its_headers_no_other_job_sees(spawn_worker, spawn_relay):
    sent = {"asked": "by hand"}
    ids = [str(SpoilsHeaders.apply_async(kwargs={"name": name}, headers=sent)) for name in ("one", "two", "three")]
    spawn_worker()
    spawn_relay()
    wait_until(lambda: ended(*ids))
    records = Record.objects.filter(id__in=ids)
    assert [record.result for record in records] == [sent] * 3
    assert len({record.lease_id for record in records}) == 1, "one claim, or nothing was shared"
