"""The records: a list to find jobs in, and one job's page with everything needed to decide about it."""

from typing import Any, ClassVar
from uuid import UUID

from django.contrib import admin
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, path, re_path

from idempotency.models import Record
from jobs.admin import deciding, job_page
from jobs.admin.narrowing import FewPages, QueueFilter, TaskFilter
from jobs.admin.pages import VIEW, LookOnly, demand, show
from jobs.admin.selection import SelectionMixin

# Only the decisions' own names: Django's pages of a record (change, history) have addresses of the same form.
DECIDE = rf"^(?P<id>[0-9a-f-]{{36}})/(?P<decision>{'|'.join(deciding.CHOICES)})/$"


@admin.register(Record)
class RecordAdmin(SelectionMixin, LookOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    """One line per job, the newest first: ids sort by creation, so no index is needed for it."""

    list_display = ("id", "task", "state", "queue", "attempts_used", "available_at", "finished_at", "error_in_short")
    list_filter = ("state", QueueFilter, TaskFilter)
    paginator = FewPages
    search_fields = ("id__exact",)
    search_help_text = "A job's id, or the digest of its key"
    ordering = ("-id",)
    show_full_result_count = False  # counting millions of rows would take longer than reading the page
    view_on_site = False
    fieldsets: ClassVar = ()

    @admin.display(description="attempts")
    def attempts_used(self, record: Record) -> str:
        return f"{record.attempt} of {record.max_attempts}"

    @admin.display(description="error")
    def error_in_short(self, record: Record) -> str:
        return (record.error or "")[:80]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Record], search_term: str
    ) -> tuple[QuerySet[Record], bool]:
        """By id or key: both are indexed. Anything else finds nothing, instead of reading millions of rows."""
        del request
        if not search_term:
            return queryset, False
        try:
            wanted = UUID(search_term)
        except ValueError:
            return queryset.none(), False
        return queryset.filter(id=wanted) | queryset.filter(key=wanted), False

    def get_urls(self) -> list[URLPattern]:
        decide = self.admin_site.admin_view(self.decide)
        proposal = self.admin_site.admin_view(self.proposal)
        return [
            path("<uuid:id>/proposal/<int:proposal>/", proposal, name="idempotency_record_proposal"),
            re_path(DECIDE, decide, name="idempotency_record_decide"),
            *super().get_urls(),
        ]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """One job's page."""
        del form_url, extra_context
        demand(request, VIEW)
        record = _record(object_id)
        return show(
            request, self.admin_site, "jobs/job.html", title=str(record.id), **job_page.context(request, record)
        )

    def decide(self, request: HttpRequest, id: str, decision: str) -> HttpResponse:  # noqa: A002 - the URL's word
        """Confirm and make one decision about one job."""
        demand(request, VIEW)
        return deciding.view(request, self.admin_site, _record(id), decision)

    def proposal(self, request: HttpRequest, id: UUID, proposal: int) -> HttpResponse:  # noqa: A002 - the URL's word
        demand(request, VIEW)
        return deciding.proposal_view(request, self.admin_site, _record(id), proposal)


def _record(id_: object) -> Record:
    try:
        found = Record.objects.filter(id=UUID(str(id_))).first()
    except ValueError:
        found = None
    if found is None:
        raise Http404("There is no such job: it was never enqueued here, or it had no key and was pruned.")
    return found
