"""The records, to look at and to replay. Every write of a record is an arrow with a guard; nobody edits them here."""

import json
from typing import Any, ClassVar

from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from idempotency.models import Attempt, Queue, Record
from jobs.models import Worker
from jobs.replay_admin import ReplayMixin
from jobs.task import registered


class LookOnly:
    """A mixin for pages that show what only guarded statements may change."""

    def has_add_permission(self, *_: Any) -> bool:
        return False

    def has_change_permission(self, *_: Any) -> bool:
        return False

    def has_delete_permission(self, *_: Any) -> bool:
        return False


class AttemptInline(LookOnly, admin.TabularInline):  # type: ignore[type-arg]
    model = Attempt
    fields = ("attempt", "outcome", "worker", "started_at", "finished_at", "error_class", "error_message")
    readonly_fields = fields
    ordering = ("id",)
    extra = 0


@admin.register(Record)
class RecordAdmin(ReplayMixin, LookOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    """One line per job, the newest first: ids sort by creation, so no index is needed for it."""

    list_display = ("id", "task", "state", "queue", "attempts_used", "available_at", "finished_at", "error_in_short")
    list_filter = ("state", "queue", "task")
    search_fields = ("id__exact",)
    search_help_text = "A job's id"
    ordering = ("-id",)
    show_full_result_count = False  # counting millions of rows would take longer than reading the page
    inlines: ClassVar = [AttemptInline]
    fieldsets = (
        (None, {"fields": ("id", "task", "state", "reason", "error", "queue", "attempts_used", "replay_count")}),
        ("What was asked", {"fields": ("masked_payload", "payload_version", "key", "fingerprint", "result")}),
        ("Its turn", {"fields": ("account", "priority", "line", "held")}),
        (
            "When",
            {"fields": ("created_at", "available_at", "started_at", "lease_expires_at", "intent_at", "finished_at")},
        ),
        ("Who", {"fields": ("claimed_by", "fencing_token", "lease_id", "given_back", "deaths", "parked_reason")}),
    )

    @admin.display(description="attempts")
    def attempts_used(self, record: Record) -> str:
        return f"{record.attempt} of {record.max_attempts}"

    @admin.display(description="error")
    def error_in_short(self, record: Record) -> str:
        return (record.error or "")[:80]

    @admin.display(description="payload")
    def masked_payload(self, record: Record) -> SafeString:
        """The payload without sensitive parameters; of a task that this process does not know, only the names."""
        payload = record.payload or {}
        task = registered().get(record.task)
        shown = task.masked(payload) if task else dict.fromkeys(payload, "********")
        return format_html("<pre>{}</pre>", json.dumps(shown, indent=2, ensure_ascii=False))


@admin.register(Queue)
class QueueAdmin(LookOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("name", "vendor", "pause_kind", "episode_at", "paused_until", "pause_reason", "paused_by")

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).filter(paused_at__isnull=False)


@admin.register(Worker)
class WorkerAdmin(LookOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("name", "queues", "busy", "slots", "started_at", "seen_at")
    ordering = ("name",)
