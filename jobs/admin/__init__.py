"""Operators' pages. What decides anything is in `jobs.review`; here are only forms, permissions and words."""

from jobs.admin import bulk, incidents, overview, queues, records, workers

__all__ = ["bulk", "incidents", "overview", "queues", "records", "workers"]
