"""A full queue as an answer to a request, from Django's own views and from Django REST framework's."""

import json
import subprocess
import sys

import httpx
import pytest
from django.db import connection
from django.http import HttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt
from rest_framework.response import Response
from rest_framework.test import APIClient
from rest_framework.views import APIView, exception_handler

from idempotency.models import Record
from jobs import QueueFull, room
from jobs.http import refuse_when_full, with_queue_full
from tests.app.followed import Narrow
from tests.app.models import Effect
from tests.processes import ROOT

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]


def ask(_request, count):
    """Writes first, asks then."""
    Effect.objects.create(name="upload")
    Narrow.enqueue_many({"name": f"n{number}"} for number in range(count))
    return HttpResponse("accepted", status=202)


upload = csrf_exempt(refuse_when_full(ask))


@csrf_exempt
@refuse_when_full
async def upload_async(request, count):
    from asgiref.sync import sync_to_async

    return await sync_to_async(ask)(request, count)


class Upload(APIView):
    authentication_classes = permission_classes = ()

    def post(self, request, count):
        return Response(status=ask(request, count).status_code)


urlpatterns = [
    path("django/<int:count>", upload),
    path("async/<int:count>", upload_async),
    path("rest/<int:count>", Upload.as_view()),
]


@pytest.fixture(autouse=True)
def _rest(settings):
    room.forget()
    settings.REST_FRAMEWORK = {
        "EXCEPTION_HANDLER": "jobs.http.exception_handler",
        "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
        "UNAUTHENTICATED_USER": None,
    }


@pytest.fixture
def atomic_requests(monkeypatch):
    """Each request in a transaction of its own, as many projects have it."""
    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", True)


FULL = {
    "detail": "Queue narrow is full. Try again later.",
    "queue": "narrow", "bound": 10, "backlog": 8, "asked": 3, "retry_after": 30,
}  # fmt: skip


def fill():
    Narrow.enqueue_many({"name": f"waits {number}"} for number in range(8))


@pytest.mark.parametrize("kind", ["django", "async", "rest"])
def test_a_full_queue_is_too_many_requests_with_the_numbers_and_when_to_come_again(kind):
    fill()
    answer = APIClient().post(f"/{kind}/3")
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "30")
    assert answer.headers["Content-Type"] == "application/json"
    assert json.loads(answer.content) == FULL
    assert APIClient().post(f"/{kind}/2").status_code == 202


@pytest.mark.parametrize("kind", ["django", "async", "rest"])
def test_so_many_jobs_as_never_fit_are_not_told_to_come_again(kind):
    answer = APIClient().post(f"/{kind}/11")
    assert answer.status_code == 429
    assert "Retry-After" not in answer.headers
    assert json.loads(answer.content)["retry_after"] is None


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("kind", ["django", "rest"])
@pytest.mark.usefixtures("atomic_requests")
def test_what_a_refused_request_wrote_before_goes_back(kind):
    assert APIClient().post(f"/{kind}/11").status_code == 429
    assert not Effect.objects.exists()
    assert APIClient().post(f"/{kind}/3").status_code == 202
    assert Effect.objects.count() == 1


@pytest.mark.parametrize("kind", ["django", "rest"])
def test_a_real_server_says_so_too(kind, live_server, broker):
    fill()
    answer = httpx.post(f"{live_server.url}/{kind}/3")
    assert (answer.status_code, answer.headers["retry-after"], answer.json()) == (429, "30", FULL)
    assert Record.objects.count() == 8


def test_a_handler_of_ones_own_hears_of_everything_else():
    handler = with_queue_full(lambda error, _context: f"own: {error}")
    assert handler(ValueError("x"), {}) == "own: x"
    assert handler(QueueFull("narrow", 10, 8, 3, 30), {}).data == FULL
    assert with_queue_full(exception_handler)(ValueError("x"), {}) is None


def test_other_errors_leave_the_view():
    with pytest.raises(ZeroDivisionError):
        refuse_when_full(lambda _request: 1 / 0)(None)


def test_a_project_without_rest_framework_imports_the_decorator():
    code = (
        "import sys; sys.modules['rest_framework'] = None\n"
        "import django; django.setup()\n"
        "from jobs.http import refuse_when_full, exception_handler, with_queue_full\n"
        "print(refuse_when_full(lambda request: 'fine')(None))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.stdout == "fine\n", done.stderr
