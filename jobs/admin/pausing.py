"""Pause and resume of a queue: a page says what will happen and asks why, a POST does it."""

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin import AdminSite
from django.db import connection
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from idempotency import reads
from idempotency.queues import SeenPause
from idempotency.reads import Gate
from jobs import conf
from jobs.admin.forms import WhyForm
from jobs.admin.pages import name_of, show
from jobs.models import Decision
from jobs.overview.sentences import clock, jobs
from jobs.overview.snapshot import COUNTED
from jobs.review import pausing
from jobs.review.decisions import Answer
from jobs.review.pausing import Looked

PAUSE = "idempotency.pause_queue"
LATELY = 10  # decisions shown
FOREVER = "until somebody resumes it"
SPANS = (("15", "for 15 minutes"), ("60", "for 1 hour"), ("240", "for 4 hours"), ("1440", "for 1 day"), ("", FOREVER))
LONGEST = timedelta(days=3653)  # what is longer is meant to last until somebody ends it


class PauseForm(WhyForm):
    """A pause that ends by itself is the usual one: what is forgotten must not stand still for ever."""

    lasts = forms.ChoiceField(label="How long", choices=SPANS, required=False, initial="60")
    until = forms.DateTimeField(
        label="Or until",
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )
    field_order = ("lasts", "until", "why")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields[
            "until"
        ].help_text = f"Local time, {timezone.get_current_timezone_name()}. It goes before the above."

    def clean_until(self) -> datetime | None:
        until: datetime | None = self.cleaned_data["until"]
        if until is not None and not timedelta(0) < until - timezone.now() < LONGEST:
            raise forms.ValidationError("This moment has passed, or is further away than ten years.")
        return until

    def duration(self, now: datetime) -> timedelta | None:
        """How long from `now`; None: until somebody resumes it."""
        until: datetime | None = self.cleaned_data["until"]
        if until:
            return max(until - now, timedelta(seconds=1))
        minutes = self.cleaned_data["lasts"]
        return timedelta(minutes=int(minutes)) if minutes else None


def pause_view(request: HttpRequest, site: AdminSite, queue: str) -> HttpResponse:
    context = _context(queue)
    form = PauseForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        duration, why = form.duration(reads.now(connection)), form.cleaned_data["why"]
        looked = Looked(_seen(request.POST["seen"])) if "seen" in request.POST else None
        return _told(request, pausing.pause(queue, duration=duration, by=name_of(request), why=why, looked=looked))
    # After a mistake in the form it stays what was seen at first: the page has shown nothing newer with more weight.
    seen = request.POST.get("seen", _shown(context["gate"]))
    return show(request, site, "jobs/pause.html", title=f"Pause {queue}?", form=form, seen=seen, **context)


def resume_view(request: HttpRequest, site: AdminSite, queue: str) -> HttpResponse:
    """What ends is the pause that the page showed: one that began since is another one."""
    context = _context(queue)
    form = WhyForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        if (seen := _seen(request.POST.get("seen", ""))) is None:
            return _told(request, Answer(done=False, sentence="the form did not say which pause was meant"))
        why = form.cleaned_data["why"]
        return _told(request, pausing.resume(queue, by=name_of(request), why=why, seen=seen))
    gate = context["gate"]
    if gate is None or gate.paused_at is None:
        return _told(request, Answer(done=False, sentence=f"{queue} is not paused"))
    return show(request, site, "jobs/resume.html", title=f"Resume {queue}?", form=form, seen=_shown(gate), **context)


def _context(queue: str) -> dict[str, Any]:
    if queue not in conf.queues():
        raise Http404(f"There is no queue {queue!r} in JOBS_QUEUES.")
    (live,) = reads.live(connection, [queue], cap=COUNTED)
    gate = reads.gates(connection, [queue]).get(queue)
    return {
        "queue": queue,
        "live": live,
        "waiting": jobs(live.due),
        "gate": gate,
        "until": clock(gate.until) if gate and gate.until else "",
        "decisions": Decision.objects.filter(queue=queue).order_by("-id")[:LATELY],
    }


def _shown(gate: Gate | None) -> str:
    """The pause that the page shows, for its form; empty where there is none."""
    if (found := pausing.pause_of(gate)) is None:
        return ""
    return f"{found.since.isoformat()} {found.until.isoformat() if found.until else ''}"


def _seen(text: str) -> SeenPause | None:
    since, _, until = text.partition(" ")
    try:
        found = parse_datetime(since), parse_datetime(until) if until else None
    except ValueError:
        return None
    return SeenPause(found[0], found[1]) if found[0] and timezone.is_aware(found[0]) else None


def _told(request: HttpRequest, answer: Answer) -> HttpResponse:
    say = messages.success if answer.done else messages.warning
    say(request, f"{'Done' if answer.done else 'Nothing was done'}: {answer.sentence}.")
    return redirect("admin:jobs_overview_changelist")
