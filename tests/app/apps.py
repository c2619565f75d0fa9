from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class TestsConfig(AppConfig):
    name = "tests.app"
    label = "tests_app"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        autodiscover_modules(
            "bench", "calling", "effects", "followed", "stepping", "throttled", "charging", "chaos", "telling"
        )
