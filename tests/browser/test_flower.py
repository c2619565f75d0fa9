"""Flower as people use it: jobs under their own names, and a job that is ended by its button."""

import json
from collections import Counter
from collections.abc import Iterator
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from playwright.sync_api import Browser, Page, expect

from config.embedded.valkey import free_port
from idempotency import queues
from idempotency.models import Record
from idempotency.states import PauseKind
from jobs import conf
from tests.app.models import Effect
from tests.app.tasks import Echo, FailForGood, Sleep, WaitForFile
from tests.browser.conftest import PATIENCE
from tests.flower import COMMAND, PASSWORD, USER, answers, basic
from tests.processes import wait_until
from tests.records import own_connection

LONG = {"TESTS_LEASE": "3600"}
ROWS = """() => [...document.querySelectorAll('#tasks-table tbody tr')].map(
    row => [...row.querySelectorAll('td')].map(cell => cell.textContent.trim()))"""


@pytest.fixture
def flower(programs) -> str:
    """The address of a Flower with its buttons."""
    port = free_port()
    command = [*COMMAND, "--conf=deploy/flower/operator.py", f"--port={port}"]
    programs.spawn("flower", *command, env={"FLOWER_BASIC_AUTH": f"{USER}:{PASSWORD}"})
    address = f"http://127.0.0.1:{port}"
    wait_until(lambda: answers(f"{address}/healthcheck") == 200, 30, "Flower answers")
    return address


@pytest.fixture
def operator(browser: Browser) -> Iterator[Page]:
    credentials = {"username": USER, "password": PASSWORD}
    with browser.new_context(http_credentials=credentials, viewport={"width": 1500, "height": 900}) as context:
        context.set_default_timeout(PATIENCE)
        yield context.new_page()


def knows_worker(flower: str) -> bool:
    with urlopen(Request(f"{flower}/api/workers?refresh=1", headers=basic())) as response:
        return any(worker.get("active_queues") for worker in json.load(response).values())


def test_a_hundred_jobs_of_three_tasks_and_the_end_of_one(flower, operator, programs, spawn_relay, tmp_path):
    programs.worker("default", "-E", env=LONG)
    spawn_relay(env=LONG)
    wait_until(lambda: knows_worker(flower), 30, "Flower knows the worker")
    Echo.enqueue_many([{"value": n} for n in range(60)])
    FailForGood.enqueue_many([{"name": f"bad {n}"} for n in range(20)])
    Sleep.enqueue_many([{"name": f"slow {n}", "seconds": 0.05} for n in range(20)])
    wait_until(lambda: Record.objects.filter(state__in=["succeeded", "failed_permanent"]).count() == 100, 30)

    operator.goto(f"{flower}/tasks")
    operator.get_by_role("combobox").select_option("100")
    expect(operator.locator("#tasks-table tbody tr")).to_have_count(100)
    operator.screenshot(path=tmp_path / "flower-tasks.png")
    rows = operator.evaluate(ROWS)
    shown = {row[1][:36]: row for row in rows}  # the cell holds a button too
    assert set(shown) == {str(id_) for id_ in Record.objects.values_list("id", flat=True)}
    assert Counter((row[0], row[2]) for row in rows) == {
        (Echo.name, "SUCCESS"): 60, (FailForGood.name, "FAILURE"): 20, (Sleep.name, "SUCCESS"): 20,
    }  # fmt: skip
    slow = Record.objects.filter(task=Sleep.name).first()
    assert "'name': 'slow" in shown[str(slow.id)][3], "arguments are the key"
    assert "seconds" not in shown[str(slow.id)][3], "and nothing else"
    assert all(0.05 <= seconds(row[5]) < 5 for row in rows if row[0] == Sleep.name)

    ends_one(flower, operator, tmp_path)
    shows_every_queue(flower, operator)


def seconds(shown: str) -> float:
    number, unit = shown.split()
    return float(number) / {"s": 1, "ms": 1000}[unit]


def ends_one(flower, operator, tmp_path):
    stuck = WaitForFile.enqueue(name="stuck", path=str(tmp_path / "never"))
    wait_until(lambda: Effect.objects.filter(name="stuck").exists())
    operator.goto(f"{flower}/task/{stuck.id}")
    expect(operator.locator("#task-page")).to_contain_text("default")  # its queue, as the routing key
    operator.screenshot(path=tmp_path / "flower-task.png")
    operator.locator("#task-terminate").click()
    wait_until(lambda: Record.objects.get(id=stuck.id).state == "failed_permanent", 30)
    assert Record.objects.get(id=stuck.id).reason == "cancelled"
    wait_until(lambda: b"REVOKED" in page_of(f"{flower}/task/{stuck.id}"), 30)


def page_of(address: str) -> bytes:
    with urlopen(Request(address, headers=basic())) as response:
        return response.read()


def shows_every_queue(flower, operator):
    """Also one that is paused, and those that nobody serves."""
    with own_connection() as own:
        queues.pause(own, "default", duration=None, reason="tests", by="tests", kind=PauseKind.OPERATOR)
    operator.goto(f"{flower}/broker")
    for queue in conf.queues():
        expect(operator.locator(f"tr[id='{queue}']")).to_have_count(1)


def test_a_flower_for_viewers_lets_nobody_in_unnamed_and_nobody_press_a_button(programs):
    port = free_port()
    command = [*COMMAND, "--conf=deploy/flower/viewer.py", f"--port={port}"]
    refused = programs.spawn("flower", *command)
    assert refused.wait_for_end()
    assert "FLOWER_BASIC_AUTH" in refused.log()
    programs.spawn("flower", *command, env={"FLOWER_BASIC_AUTH": f"{USER}:{PASSWORD}"})
    address = f"http://127.0.0.1:{port}"
    wait_until(lambda: answers(f"{address}/healthcheck") == 200, 30, "Flower answers")
    assert [answers(address + path) for path in ("/tasks", "/metrics", "/api/tasks")] == [401] * 3
    assert answers(f"{address}/metrics", headers=basic()) == 200
    with pytest.raises(HTTPError, match="403"):
        urlopen(Request(f"{address}/api/task/revoke/any", data=b"terminate=true", headers=basic()))
