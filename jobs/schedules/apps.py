from django.apps import AppConfig
from django.db.models.signals import post_save
from django.utils.module_loading import autodiscover_modules


class SchedulesConfig(AppConfig):
    name = "jobs.schedules"
    label = "jobs_schedules"
    verbose_name = "Schedules"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from django_celery_beat.models import PeriodicTask

        from jobs.schedules import adopting
        from jobs.schedules.models import Policy

        for model in (PeriodicTask, Policy):
            post_save.connect(adopting.follow_saved, sender=model, dispatch_uid="jobs.schedules")
        autodiscover_modules("schedules")
