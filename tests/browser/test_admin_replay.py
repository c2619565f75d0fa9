"""Replay, as an operator clicks it."""

from collections.abc import Callable

from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from idempotency.models import Record
from tests.app.tasks import FailForGood
from tests.browser.test_admin import operator_page  # noqa: F401 - a fixture
from tests.processes import Program, wait_until


def test_an_operator_reads_what_failed_confirms_and_sees_the_job_queued_again(
    operator_page: Page,  # noqa: F811 - the fixture
    live_server: LiveServer,
    spawn_worker: Callable[..., Program],
) -> None:
    job = FailForGood.enqueue(name="INV-42")
    worker = spawn_worker("default")
    wait_until(Record.objects.filter(id=job.id, state="failed_permanent").exists)
    worker.stop()
    operator_page.goto(f"{live_server.url}/admin/idempotency/record/")
    operator_page.get_by_role("row", name=str(job.id)).get_by_role("checkbox").check()
    operator_page.get_by_label("Action:").select_option("Replay selected jobs …")
    operator_page.locator(".actions").get_by_role("button").click()
    expect(operator_page.get_by_role("heading", name="Replay one job?")).to_be_visible()
    row = operator_page.get_by_role("row", name=str(job.id))
    for shown in ("failed_permanent (permanent)", "attempt 1 of 5", "INV-42 can never succeed", "No retry could help"):
        expect(row).to_contain_text(shown)
    operator_page.get_by_label("Reason").fill("the cause is mended")
    operator_page.get_by_role("button", name="Replay").click()
    expect(operator_page.get_by_text("1 job replayed.")).to_be_visible()
    expect(operator_page.get_by_role("row", name=str(job.id))).to_contain_text("queued")
    assert Record.objects.get(id=job.id).replay_count == 1
