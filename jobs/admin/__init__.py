"""Operators' pages. What decides anything is in `jobs.review`; here are only forms, permissions and words."""

from jobs.admin import bulk, incidents, overview, queues, records, workers
from jobs.admin.objects import JobsMixin

__all__ = ["JobsMixin", "bulk", "incidents", "overview", "queues", "records", "workers"]
