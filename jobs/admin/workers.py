"""Who is there, as the workers themselves say."""

from django.contrib import admin

from jobs.admin.pages import LookOnly
from jobs.models import Worker


@admin.register(Worker)
class WorkerAdmin(LookOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("name", "queues", "busy", "slots", "started_at", "seen_at")
    ordering = ("name",)
