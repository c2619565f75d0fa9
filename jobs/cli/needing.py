"""What verbs need beyond the package itself."""

from django.core.management.base import CommandError

from jobs.schedules.reads import installed


def need_schedules() -> None:
    if not installed():
        raise CommandError(
            'Schedules are not installed. Add "django_celery_beat" and "jobs.schedules" to INSTALLED_APPS.'
        )
