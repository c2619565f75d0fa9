"""Decisions about one job: a page says what will happen and asks why, a POST does it once."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.contrib import messages
from django.contrib.admin import AdminSite
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse

from idempotency.claims import Seen
from idempotency.models import Record
from idempotency.states import REVIEWABLE, Resolution, State
from jobs import conf
from jobs.admin import tokens
from jobs.admin.forms import CommentForm, WhyForm, parameters, payload_of
from jobs.admin.pages import demand, may, name_of, show
from jobs.models import Decision, Proposal
from jobs.review import correcting, decisions
from jobs.review.correcting import CorrectionError
from jobs.review.decisions import Answer
from jobs.review.outlook import look, outlook
from jobs.task import registered

REPLAY, EDIT = "idempotency.replay_record", "idempotency.edit_payload"
DISCARD, CANCEL, COMMENT = "idempotency.discard_record", "idempotency.cancel_record", "idempotency.comment_record"
TOO_OLD = "The page was shown more than an hour ago. Look again, and decide anew."


@dataclass(frozen=True, slots=True)
class Choice:
    """One decision that a person may make about one job. `act` None: it has a form of its own, which acts."""

    name: str
    label: str
    permissions: tuple[str, ...]
    fits: Callable[[Record], bool]
    will: str
    act: Callable[[Seen, str, str], Answer] | None
    danger: bool = False


def can_be_replayed(record: Record) -> bool:
    alive = record.pruned_at is None and record.resolution != Resolution.SUPERSEDED
    return record.state in REVIEWABLE and alive


def _can_be_corrected(record: Record) -> bool:
    """Whether there is a parameter that does not make it this work and not another."""
    task = registered().get(record.task)
    free = task and set(task.signature_of_run().parameters) - set(task.dedupe_key or ())
    return bool(free) and can_be_replayed(record)


def _cancellable(record: Record) -> bool:
    return record.state in {State.QUEUED, State.PROCESSING}


def _replay(seen: Seen, by: str, why: str) -> Answer:
    return decisions.replay([seen], by=by, why=why)[seen.id]


def _discard(seen: Seen, by: str, why: str) -> Answer:
    return decisions.discard([seen], by=by, why=why)[seen.id]


def _cancel(seen: Seen, by: str, why: str) -> Answer:
    return decisions.cancel(seen, by=by, why=why)


def _comment(seen: Seen, by: str, why: str) -> Answer:
    record = Record.objects.get(id=seen.id)
    decisions.note(Decision.Action.COMMENT, by=by, why=why, record_id=seen.id, incident=record.incident)
    return Answer(done=True, sentence="commented")


CHOICES = {
    choice.name: choice
    for choice in (
        Choice(
            "replay", "Replay", (REPLAY,), can_be_replayed,
            "It is queued again with all its attempts, under the same key and with the same payload.", _replay,
        ),
        Choice(
            "correct", "Replay with a corrected payload", (REPLAY, EDIT), _can_be_corrected,
            "A new job with the corrected payload takes over its key and runs in its place.", None,
        ),
        Choice(
            "discard", "Discard", (DISCARD,), lambda r: r.state in REVIEWABLE and r.resolved_at is None,
            "It leaves the list of what waits for a person, keeps its state, and never runs. It still answers for its "
            "key. It can be replayed later.", _discard, danger=True,
        ),
        Choice(
            "cancel", "Cancel", (CANCEL,), _cancellable,
            "A waiting job ends at once and never runs. Of a running one the process is killed; what it has done stays "
            "done.", _cancel, danger=True,
        ),
        Choice("comment", "Comment", (COMMENT,), lambda _: True, "Everybody who looks at the job reads it.", _comment),
    )
}  # fmt: skip


def choices(request: HttpRequest, record: Record) -> list[Choice]:
    """What this user may decide about this job as it stands."""
    return [c for c in CHOICES.values() if c.fits(record) and all(may(request, p) for p in c.permissions)]


def view(request: HttpRequest, site: AdminSite, record: Record, decision: str) -> HttpResponse:
    """GET shows what will happen; POST, with the page's token and a reason, makes it happen."""
    choice = CHOICES.get(decision)
    if choice is None:
        raise Http404(f"There is no decision {decision!r}.")
    demand(request, *choice.permissions)
    if choice.act is None:
        return _correcting(request, site, record, choice)
    form = (CommentForm if choice.name == "comment" else WhyForm)(request.POST or None)
    if request.method == "POST" and (seen := _seen(request, record, choice.name)) and form.is_valid():
        answer = choice.act(seen, name_of(request), form.cleaned_data["why"])
        return _told(request, record, answer)
    if not choice.fits(record):
        return _too_late(request, record)
    asked = look(record) if choice.name in {"replay", "discard"} else None
    token = tokens.sign(request, choice.name, [Seen(record.id, record.fencing_token)])
    context = {"record": record, "choice": choice, "form": form, "token": token}
    if choice.name == "replay":
        context["outlook"] = outlook(record, asked)
    elif asked and asked.found:
        context["warning"] = "Asked just now: the other side has its effect."
    return show(request, site, "jobs/decide.html", title=f"{choice.label}?", **context)


def _seen(request: HttpRequest, record: Record, decision: str) -> Seen | None:
    """The job as the page showed it; None where the page is too old, which is said."""
    try:
        (seen,) = tokens.read(request, decision, request.POST.get("token", ""))
    except tokens.TokenTooOld:
        messages.warning(request, TOO_OLD)
        return None
    if seen.id != record.id:
        raise Http404("This form was made for another job.")
    return seen


def _told(request: HttpRequest, record: Record, answer: Answer) -> HttpResponse:
    say = messages.success if answer.done else messages.warning
    say(request, f"{'Done' if answer.done else 'Nothing was done'}: {answer.sentence}.")
    return redirect(reverse("admin:idempotency_record_change", args=[record.id]))


def _too_late(request: HttpRequest, record: Record) -> HttpResponse:
    seen = Seen(record.id, record.fencing_token - 1)
    return _told(request, record, Answer(done=False, sentence=decisions.why_left(record, seen)))


# -- a corrected payload ----------------------------------------------------------------------------------------------


def _correcting(request: HttpRequest, site: AdminSite, record: Record, choice: Choice) -> HttpResponse:
    """Edit, look at the difference, confirm: the fields travel in the form, never in the URL."""
    posted = request.POST.dict() if request.method == "POST" else None
    seen = _seen(request, record, choice.name) if posted else None
    if not choice.fits(record) and seen is None:
        return _too_late(request, record)
    form, problem, difference = WhyForm(posted), None, None
    try:
        if posted and seen and form.is_valid():
            payload = payload_of(record, posted)
            correcting.successor(record, payload)
            difference = correcting.changes(record, payload)
            if posted.get("confirmed"):
                return _told(request, record, _act(request, seen, payload, form.cleaned_data["why"]))
        fields = parameters(record, posted)
    except CorrectionError as error:
        problem, difference, fields = str(error), None, _fields(record, posted)
    context = {
        "record": record,
        "choice": choice,
        "form": form,
        "token": tokens.sign(request, choice.name, [seen or Seen(record.id, record.fencing_token)]),
        "fields": fields,
        "problem": problem,
        "difference": difference,
        "needs_approval": conf.needs_second("edit"),
    }
    return show(request, site, "jobs/correct.html", title=choice.label, **context)


def _fields(record: Record, posted: dict[str, str] | None) -> Any:
    try:
        return parameters(record, posted)
    except CorrectionError:
        return []


def _act(request: HttpRequest, seen: Seen, payload: dict[str, Any], why: str) -> Answer:
    if conf.needs_second("edit"):
        correcting.propose(seen, payload, by=name_of(request), why=why)
        return Answer(done=True, sentence="proposed; somebody else has to approve it")
    return correcting.correct(seen, payload, by=name_of(request), why=why)


def proposal_view(request: HttpRequest, site: AdminSite, record: Record, number: int) -> HttpResponse:
    """What somebody proposed, to be approved or refused by another person."""
    demand(request, REPLAY, EDIT)
    proposal = get_object_or_404(Proposal, pk=number, record_id=record.id)
    form, problem = WhyForm(request.POST or None), None
    if request.method == "POST" and form.is_valid():
        decide = partial(correcting.decide, proposal.pk, by=name_of(request), why=form.cleaned_data["why"])
        try:
            return _told(request, record, decide(approve="approve" in request.POST))
        except CorrectionError as error:
            problem = str(error)
    try:
        difference = correcting.changes(record, proposal.payload)
    except CorrectionError as error:
        difference, problem = [], str(error)
    context = {"record": record, "proposal": proposal, "form": form, "problem": problem, "difference": difference}
    own = proposal.by == name_of(request)
    return show(request, site, "jobs/proposal.html", title="A corrected payload waits for you", own=own, **context)
