"""Django admin's pages of schedules: django-celery-beat's own with what it lacks, and the ledger to look at."""

from datetime import datetime, timedelta
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django_celery_beat.admin import PeriodicTaskAdmin
from django_celery_beat.models import PeriodicTask

from jobs.admin.forms import WhyForm
from jobs.admin.pages import LookOnly, demand, may, name_of, show
from jobs.schedules import deciding
from jobs.schedules.models import Beat, Policy, Tick
from jobs.words import span

CHANGE, LOOK = "django_celery_beat.change_periodictask", "django_celery_beat.view_periodictask"
BACKFILL, RESUME = "jobs_schedules.backfill_schedule", "jobs_schedules.resume_schedule"
SEE_TICKS = "jobs_schedules.view_tick"

admin.site.unregister(PeriodicTask)


def clock(moment: datetime) -> str:
    return f"{timezone.localtime(moment):%Y-%m-%d %H:%M:%S %Z}"


class PolicyInline(admin.StackedInline):  # type: ignore[type-arg]
    """Who may change the schedule may change its policy."""

    model = Policy
    can_delete = False
    verbose_name = "policy"

    def has_view_permission(self, request: HttpRequest, *_: Any) -> bool:
        return may(request, LOOK) or may(request, CHANGE)

    def has_add_permission(self, request: HttpRequest, *_: Any) -> bool:
        return may(request, CHANGE)

    def has_change_permission(self, request: HttpRequest, *_: Any) -> bool:
        return may(request, CHANGE)


class RangeForm(WhyForm):
    """From when to when."""

    start = forms.DateTimeField(label="From", widget=forms.DateTimeInput(attrs={"type": "datetime-local"}))
    end = forms.DateTimeField(label="To", widget=forms.DateTimeInput(attrs={"type": "datetime-local"}))
    field_order = ("start", "end", "why")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["end"].help_text = f"Both in {timezone.get_current_timezone_name()}, both included."


@admin.register(PeriodicTask)
class ScheduleAdmin(PeriodicTaskAdmin):  # type: ignore[misc]
    """Each action asks for its permission; `run_tasks` is gone: whoever could see the page could run anything."""

    inlines = (PolicyInline,)
    list_display = ("name", "enabled", "scheduler", "next_tick", "stands", "last_run_at")
    list_filter = ("enabled", "one_off", "task")
    date_hierarchy = None
    actions = ("enable_tasks", "disable_tasks")
    readonly_fields = (*PeriodicTaskAdmin.readonly_fields, "next_tick", "stands", "ticks")
    fieldsets = (
        *PeriodicTaskAdmin.fieldsets[:2],
        ("How it stands", {"fields": ("next_tick", "stands", "ticks"), "classes": ("extrapretty", "wide")}),
        *PeriodicTaskAdmin.fieldsets[2:],
    )

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("position")

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        response: HttpResponse = super().changelist_view(request, extra_context)
        if hasattr(response, "context_data"):
            response.context_data["wrong_scheduler"] = False  # ours is none of its own, and reads the same tables
        return response

    @admin.display(description="next tick", ordering="position__next_due_at")
    def next_tick(self, schedule: Any) -> str:
        position = getattr(schedule, "position", None)
        return "-" if position is None or position.next_due_at is None else clock(position.next_due_at)

    @admin.display(description="state")
    def stands(self, schedule: Any) -> str:
        position = getattr(schedule, "position", None)
        if position is None:
            return "no beat has seen it"
        if position.problem:
            return f"does not tick: {position.problem}"
        return f"paused: {position.paused_why}" if position.paused_at else "ticks" if schedule.enabled else "disabled"

    @admin.display(description="ticks")
    def ticks(self, schedule: Any) -> str:
        if schedule.pk is None:
            return "-"
        links = [(f"{reverse('admin:jobs_schedules_tick_changelist')}?schedule={schedule.name}", "the ledger")]
        links.append((reverse("admin:jobs_schedules_backfill", args=[schedule.pk]), "backfill a range …"))
        if getattr(getattr(schedule, "position", None), "paused_at", None):
            links.append((reverse("admin:jobs_schedules_resume", args=[schedule.pk]), "resume …"))
        return format_html_join(" · ", '<a href="{}">{}</a>', links)

    @admin.action(permissions=["change"], description="Enable selected schedules")
    def enable_tasks(self, request: HttpRequest, queryset: Any) -> None:
        super().enable_tasks(request, queryset)

    @admin.action(permissions=["change"], description="Disable selected schedules")
    def disable_tasks(self, request: HttpRequest, queryset: Any) -> None:
        super().disable_tasks(request, queryset)

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("<int:pk>/backfill/", wrap(self.backfill), name="jobs_schedules_backfill"),
            path("<int:pk>/resume/", wrap(self.resume), name="jobs_schedules_resume"),
            *super().get_urls(),
        ]

    def backfill(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Ask for a range, show its ticks, and fire those that never fired."""
        demand(request, BACKFILL)
        schedule = get_object_or_404(PeriodicTask, pk=pk)
        form, found, problem = RangeForm(request.POST or None), None, None
        if request.method == "POST" and form.is_valid():
            confirmed = bool(request.POST.get("confirmed"))
            try:
                found = _backfill(request, schedule.name, form, dry_run=not confirmed)
            except deciding.BackfillError as error:
                problem = str(error)
            if found is not None and confirmed:
                done = sum(one.outcome == "backfilled" for one in found)
                return _told(request, pk, f"{done} of {len(found)} ticks were backfilled.")
        context = {"schedule": schedule, "form": form, "found": found, "problem": problem}
        return show(request, self.admin_site, "jobs_schedules/backfill.html", title="Backfill ticks", **context)

    def resume(self, request: HttpRequest, pk: int) -> HttpResponse:
        demand(request, RESUME)
        schedule = get_object_or_404(PeriodicTask.objects.select_related("position"), pk=pk)
        form = WhyForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            done = deciding.resume(schedule.name, by=name_of(request), why=form.cleaned_data["why"])
            return _told(
                request, pk, f"{schedule.name} ticks again." if done else "It was not paused; nothing was done."
            )
        context = {"schedule": schedule, "form": form}
        return show(request, self.admin_site, "jobs_schedules/resume.html", title="Resume the schedule?", **context)


def _backfill(request: HttpRequest, name: str, form: RangeForm, *, dry_run: bool) -> list[deciding.Filled]:
    asked = form.cleaned_data
    return deciding.backfill(name, asked["start"], asked["end"], by=name_of(request), why=asked["why"], dry_run=dry_run)


def _told(request: HttpRequest, pk: int, sentence: str) -> HttpResponse:
    messages.success(request, sentence)
    return redirect(reverse("admin:django_celery_beat_periodictask_change", args=[pk]))


class LookAtTicks(LookOnly):
    def has_view_permission(self, request: HttpRequest, *_: Any) -> bool:
        return may(request, SEE_TICKS)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return may(request, SEE_TICKS)


@admin.register(Tick)
class TickAdmin(LookAtTicks, admin.ModelAdmin):  # type: ignore[type-arg]
    """The ledger, the newest rows first."""

    list_display = ("planned", "schedule", "outcome", "late", "job", "reason", "beat")
    list_filter = ("outcome",)
    search_fields = ("schedule__exact",)
    search_help_text = "A schedule's name"
    ordering = ("-id",)
    show_full_result_count = False
    list_display_links = None

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest | None = None) -> bool:
        return lookup == "schedule" or super().lookup_allowed(lookup, value, request)  # type: ignore[arg-type]

    @admin.display(description="tick")
    def planned(self, tick: Tick) -> str:
        return clock(tick.nominal)

    @admin.display(description="because")
    def reason(self, tick: Tick) -> str:
        return format_html('<span style="display: inline-block; min-width: 16em">{}</span>', tick.why or "-")

    @admin.display(description="late by")
    def late(self, tick: Tick) -> str:
        return span(max(tick.at - tick.nominal, timedelta(0))) if tick.record_id else "-"

    @admin.display(description="job")
    def job(self, tick: Tick) -> str:
        if tick.record_id is None:
            return "-"
        url = reverse("admin:idempotency_record_change", args=[tick.record_id])
        return format_html('<a href="{}">{}</a>', url, str(tick.record_id)[-12:])


@admin.register(Beat)
class BeatAdmin(LookAtTicks, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("name", "seen_at", "fired", "clock_offset", "started_at")
    ordering: ClassVar = ("-seen_at",)
    list_display_links = None
