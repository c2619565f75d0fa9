"""The list's replay action: select, read what each job was and how it ended, confirm. For more there is bulk replay."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils.decorators import method_decorator
from django.views.decorators.http import require_POST

from idempotency.claims import Seen
from idempotency.models import Record
from jobs.admin import tokens
from jobs.admin.deciding import REPLAY, TOO_OLD, can_be_replayed
from jobs.admin.forms import WhyForm
from jobs.admin.pages import demand, may, name_of, show
from jobs.review import decisions
from jobs.review.decisions import Answer
from jobs.review.outlook import outlook

if TYPE_CHECKING:
    Base = admin.ModelAdmin[Record]
else:
    Base = object

MOST = 100  # records in one go: as many as a person can read
DECISION = "replay-selected"


class SelectionMixin(Base):
    """For the records' page. Looking needs `view`; replaying needs a permission of its own, also when it is forged."""

    actions = ("replay_selected",)

    def has_replay_permission(self, request: HttpRequest) -> bool:
        return may(request, REPLAY)

    def get_urls(self) -> list[URLPattern]:
        confirm = self.admin_site.admin_view(self.replay_confirmed)
        return [path("replay/", confirm, name="idempotency_record_replay"), *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        # Django shows the list to whoever posts an action that is not his, as if nothing had been asked.
        if request.method == "POST" and request.POST.get("action") == "replay_selected":
            demand(request, REPLAY)
        return super().changelist_view(request, extra_context)

    @admin.action(permissions=["replay"], description="Replay selected jobs …")
    def replay_selected(self, request: HttpRequest, queryset: QuerySet[Record]) -> HttpResponse | None:
        """Show what would be replayed, and ask."""
        selected = list(queryset.order_by("id")[: MOST + 1])
        if len(selected) > MOST:
            said = f"At most {MOST} jobs can be replayed at a time here. Dead letters has bulk replay for more."
            messages.error(request, said)
            return None
        given_up = [record for record in selected if can_be_replayed(record)]
        if not given_up:
            said = "Nothing to replay: none of the selected jobs was given up (failed_permanent or dead_lettered)."
            messages.warning(request, said)
            return None
        return self._ask(request, given_up, WhyForm(), left_out=len(selected) - len(given_up))

    def _ask(self, request: HttpRequest, records: list[Record], form: WhyForm, *, left_out: int) -> HttpResponse:
        rows = [(record, outlook(record)) for record in records]
        token = tokens.sign(request, DECISION, [Seen(r.id, r.fencing_token) for r in records])
        title = "Replay one job?" if len(rows) == 1 else f"Replay {len(rows)} jobs?"
        context = {"rows": rows, "left_out": left_out, "form": form, "token": token}
        return show(request, self.admin_site, "jobs/replay_selected.html", title=title, **context)

    @method_decorator(require_POST)
    def replay_confirmed(self, request: HttpRequest) -> HttpResponse:
        """Replay what was on the confirmation page, in so far as it is still as it was."""
        demand(request, REPLAY)
        back = redirect(reverse("admin:idempotency_record_changelist"))
        try:
            seen = tokens.read(request, DECISION, request.POST.get("token", ""))
        except tokens.TokenTooOld:
            messages.warning(request, TOO_OLD)
            return back
        form = WhyForm(request.POST)
        if not form.is_valid():
            records = Record.objects.in_bulk([s.id for s in seen])
            return self._ask(request, list(records.values()), form, left_out=0)
        _report(request, decisions.replay(seen, by=name_of(request), why=form.cleaned_data["why"]))
        return back


def _report(request: HttpRequest, answers: Mapping[UUID, Answer]) -> None:
    replayed = sum(answer.done for answer in answers.values())
    if replayed:
        messages.success(request, f"{replayed} {'job' if replayed == 1 else 'jobs'} replayed.")
    for id_, answer in answers.items():
        if not answer.done:
            messages.warning(request, f"Not replayed: job {id_}: {answer.sentence}.")
