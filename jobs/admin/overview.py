"""The overview: how everything stands, on one page that renews itself, and the pauses of queues."""

from typing import Any, ClassVar

from django.contrib import admin
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import URLPattern, path

from jobs.admin import measured, pausing
from jobs.admin.pages import VIEW, LookOnly, demand, may, show
from jobs.models import Overview
from jobs.overview import snapshot
from jobs.overview.chart import chart
from jobs.overview.machine import as_json
from jobs.overview.sentences import calm, troubles
from jobs.overview.tiles import tiles

EVERY = 15  # seconds between two looks of an open page


@admin.register(Overview)
class OverviewAdmin(LookOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    """There is no table behind it, so that it has these pages and none of Django's."""

    fieldsets: ClassVar = ()

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("", wrap(self.changelist_view), name="jobs_overview_changelist"),
            path("metrics/", wrap(self.metrics), name="jobs_overview_metrics"),
            path("pause/<str:queue>/", wrap(self.pause), name="jobs_overview_pause"),
            path("resume/<str:queue>/", wrap(self.resume), name="jobs_overview_resume"),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        del extra_context
        demand(request, VIEW)
        now = snapshot.take()
        if request.GET.get("format") == "json":
            return JsonResponse(as_json(now))
        context = {
            "now": now,
            "troubles": troubles(now),
            "calm": calm(now),
            "tiles": tiles(now),
            "chart": chart(now.bars, now.marks),
            "may_pause": may(request, pausing.PAUSE),
            "every": EVERY,
        }
        return show(request, self.admin_site, "jobs/overview.html", title="Overview", **context)

    def metrics(self, request: HttpRequest) -> HttpResponse:
        demand(request, VIEW)
        return measured.metrics_view(request, self.admin_site)

    def pause(self, request: HttpRequest, queue: str) -> HttpResponse:
        demand(request, VIEW, pausing.PAUSE)
        return pausing.pause_view(request, self.admin_site, queue)

    def resume(self, request: HttpRequest, queue: str) -> HttpResponse:
        demand(request, VIEW, pausing.PAUSE)
        return pausing.resume_view(request, self.admin_site, queue)
