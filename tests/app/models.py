"""What the tests' tasks leave behind, so that a test can count what really happened."""

from django.db import models
from django.utils import timezone


class Effect(models.Model):
    """One call of a task's body, or one commit: never unique, because a double is what tests look for."""

    name = models.TextField(db_index=True)
    attempt = models.PositiveIntegerField(default=0)
    pid = models.PositiveIntegerField(default=0)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "tests_effect"

    def __str__(self) -> str:
        return f"{self.name} by {self.pid}"
