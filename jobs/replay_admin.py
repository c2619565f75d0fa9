"""The admin's replay action: select, read what each job was and how it ended, confirm."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.decorators import method_decorator
from django.views.decorators.http import require_POST

from idempotency.claims import Seen
from idempotency.models import Record
from jobs import replaying
from jobs.replaying import Answer

if TYPE_CHECKING:
    Base = admin.ModelAdmin[Record]
else:
    Base = object

PERMISSION = "idempotency.replay_record"


class ReplayMixin(Base):
    """For the records' page. Looking needs `view`; replaying needs a permission of its own, also when it is forged."""

    actions = ("replay_selected",)

    def has_replay_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm(PERMISSION))

    def get_urls(self) -> list[URLPattern]:
        confirm = self.admin_site.admin_view(self.replay_confirmed)
        return [path("replay/", confirm, name="idempotency_record_replay"), *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        # Django shows the list to whoever posts an action that is not his, as if nothing had been asked.
        if request.method == "POST" and request.POST.get("action") == "replay_selected":
            self._refuse_others(request)
        return super().changelist_view(request, extra_context)

    @admin.action(permissions=["replay"], description="Replay selected jobs …")
    def replay_selected(self, request: HttpRequest, queryset: QuerySet[Record]) -> HttpResponse | None:
        """Show what would be replayed, and ask."""
        selected = list(queryset.order_by("id")[: replaying.MOST + 1])
        if len(selected) > replaying.MOST:
            said = f"At most {replaying.MOST} jobs can be replayed at a time. Narrow the filter, or select fewer."
            messages.error(request, said)
            return None
        given_up = [record for record in selected if replaying.can_be_replayed(record)]
        if not given_up:
            said = "Nothing to replay: none of the selected jobs was given up (failed_permanent or dead_lettered)."
            messages.warning(request, said)
            return None
        return self._ask(request, given_up, left_out=len(selected) - len(given_up))

    def _ask(self, request: HttpRequest, records: Sequence[Record], *, left_out: int) -> HttpResponse:
        rows = [(record, Seen(record.id, record.fencing_token), replaying.effect_of(record)) for record in records]
        title = "Replay one job?" if len(rows) == 1 else f"Replay {len(rows)} jobs?"
        context = {
            **self.admin_site.each_context(request),
            "title": title,
            "opts": self.opts,
            "rows": rows,
            "left_out": left_out,
            "risky": replaying.RISKY,
            "at_risk": sum(effect in replaying.RISKY for *_, effect in rows),
        }
        return TemplateResponse(request, "jobs/confirm_replay.html", context)

    @method_decorator(require_POST)
    def replay_confirmed(self, request: HttpRequest) -> HttpResponse:
        """Replay what was on the confirmation page, in so far as it is still as it was."""
        self._refuse_others(request)
        seen = _seen(request)
        with transaction.atomic():
            answers = list(replaying.replay(seen))
            for record, answer in answers:
                if isinstance(record, Record) and answer is Answer.REPLAYED:
                    self.log_change(request, record, f"Replayed by hand: was {record.state} ({record.reason}).")
        _report(request, answers)
        return redirect(reverse("admin:idempotency_record_changelist"))

    def _refuse_others(self, request: HttpRequest) -> None:
        if not self.has_replay_permission(request):
            raise PermissionDenied(f"Replaying needs the permission {PERMISSION}.")


def _seen(request: HttpRequest) -> list[Seen]:
    texts = request.POST.getlist("seen")
    if len(texts) > replaying.MOST:
        raise SuspiciousOperation(f"{len(texts)} jobs, over {replaying.MOST}: more than the page offers.")
    try:
        return [Seen.parse(text) for text in texts]
    except ValueError as error:
        raise SuspiciousOperation(f"No job and token: {error}") from None


def _report(request: HttpRequest, answers: Sequence[tuple[Record | Seen, Answer]]) -> None:
    replayed = sum(answer is Answer.REPLAYED for _, answer in answers)
    if replayed:
        messages.success(request, f"{replayed} {'job' if replayed == 1 else 'jobs'} replayed.")
    for record, answer in answers:
        if answer is not Answer.REPLAYED:
            messages.warning(request, f"Not replayed: job {record.id}: {answer}.")
