"""The inbox of what was given up: by cause, then the jobs of one cause."""

from typing import Any, ClassVar
from uuid import UUID

from django.contrib import admin, messages
from django.contrib.auth import get_user_model
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse

from idempotency.states import REVIEWABLE, Reason
from jobs import conf
from jobs.admin.deciding import COMMENT, REPLAY
from jobs.admin.forms import CommentForm, WhyForm
from jobs.admin.pages import VIEW, LookOnly, demand, may, name_of, show
from jobs.models import DeadLetter, Decision
from jobs.models import Incident as Assigned
from jobs.review import decisions, incidents
from jobs.review.scope import Scope, ScopeError
from jobs.task import registered

PAGE = 50  # jobs


@admin.register(DeadLetter)
class DeadLetterAdmin(LookOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    """The list is the inbox; one incident has a page; one job has the records' page."""

    fieldsets: ClassVar = ()

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("incident/<uuid:fingerprint>/", wrap(self.incident), name="jobs_deadletter_incident"),
            path("incident/<uuid:fingerprint>/assign/", wrap(self.assign), name="jobs_deadletter_assign"),
            path("incident/<uuid:fingerprint>/comment/", wrap(self.comment), name="jobs_deadletter_comment"),
            *super().get_urls(),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Given-up jobs, grouped by cause."""
        del extra_context
        demand(request, VIEW)
        scope, problem = _scope(request)
        found = incidents.inbox(scope)
        context = _filters(request, scope) | {
            "incidents": found,
            "problem": problem,
            "count": sum(incident.count for incident in found),
            "cut": len(found) == incidents.MOST,
            "jobs": _page(request, scope) if scope.search else None,
        }
        return show(request, self.admin_site, "jobs/inbox.html", title="Dead letters", **context)

    def incident(self, request: HttpRequest, fingerprint: UUID) -> HttpResponse:
        """The jobs of one cause, what people said about it, and what can be done."""
        demand(request, VIEW)
        scope, problem = _scope(request, incident=str(fingerprint))
        found = incidents.inbox(Scope(incident=fingerprint))
        context = _filters(request, scope) | {
            "incident": found[0] if found else None,
            "fingerprint": fingerprint,
            "problem": problem,
            "jobs": _page(request, scope),
            "accounts": incidents.affected(scope),
            "decisions": Decision.objects.filter(incident=fingerprint).order_by("-id")[:PAGE],
            "may_comment": may(request, COMMENT),
        }
        return show(request, self.admin_site, "jobs/incident.html", title="Incident", **context)

    def assign(self, request: HttpRequest, fingerprint: UUID) -> HttpResponse:
        """Say who looks after it."""
        demand(request, VIEW, COMMENT)
        form = WhyForm(request.POST or None)
        people = get_user_model().objects.filter(is_active=True, is_staff=True).order_by("pk")[:500]
        if request.method == "POST" and form.is_valid():
            chosen = {str(user.pk): user for user in people}.get(request.POST.get("assignee", ""))
            decisions.assign(fingerprint, chosen, by=name_of(request), why=form.cleaned_data["why"])
            messages.success(request, f"Assigned to {chosen.get_username()}." if chosen else "Assigned to nobody.")
            return redirect(_address(fingerprint))
        now = Assigned.objects.filter(fingerprint=fingerprint).first()
        context = {"form": form, "people": people, "fingerprint": fingerprint, "now": now and now.assignee_id}
        return show(request, self.admin_site, "jobs/assign.html", title="Who looks after it?", **context)

    def comment(self, request: HttpRequest, fingerprint: UUID) -> HttpResponse:
        demand(request, VIEW, COMMENT)
        form = CommentForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            said = form.cleaned_data["why"]
            decisions.note(Decision.Action.COMMENT, by=name_of(request), why=said, incident=fingerprint)
            return redirect(_address(fingerprint))
        context = {"form": form, "fingerprint": fingerprint}
        return show(request, self.admin_site, "jobs/comment.html", title="Comment", **context)


def _address(fingerprint: UUID) -> str:
    return reverse("admin:jobs_deadletter_incident", args=[fingerprint])


def _scope(request: HttpRequest, **fixed: str) -> tuple[Scope, str]:
    """What the URL asks for; where that means nothing, everything, and a sentence that says so."""
    try:
        return Scope.parse(request.GET.dict() | fixed), ""
    except ScopeError as error:
        return Scope.parse(fixed), f"{error} The filter was left out."


def _page(request: HttpRequest, scope: Scope) -> Any:
    records = scope.records().order_by("-finished_at", "-id")
    return Paginator(records, PAGE).get_page(request.GET.get("page"))


def _filters(request: HttpRequest, scope: Scope) -> dict[str, Any]:
    """What can be chosen, without a question to the database."""
    asked = request.GET.copy()
    asked.pop("page", None)
    return {
        "scope": scope,
        "tasks": sorted(registered()),
        "queues": list(conf.queues()),
        "states": sorted(REVIEWABLE),
        "reasons": [*Reason],
        "asked": asked.urlencode(),
        "may_replay": may(request, REPLAY),
    }
