"""Schedules that never miss and never double, on django-celery-beat's tables. An app of its own: `"jobs.schedules"`."""

from jobs.schedules.declared import Schedule

__all__ = ["Schedule"]
