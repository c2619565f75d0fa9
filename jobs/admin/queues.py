"""Queues that are not open."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from idempotency.models import Queue
from jobs.admin.pages import LookOnly


@admin.register(Queue)
class QueueAdmin(LookOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("name", "vendor", "pause_kind", "episode_at", "paused_until", "pause_reason", "paused_by")

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).filter(paused_at__isnull=False)
