"""What workers tell of themselves; `why` and the pages of operators read it."""

from django.db import models


class Worker(models.Model):
    """One worker process group, as it last reported. A row not renewed for `registry.ALIVE` is a dead worker."""

    name = models.TextField(primary_key=True, help_text="Celery's node name")
    pid = models.PositiveIntegerField()
    queues = models.JSONField(help_text="list of names")
    tasks = models.JSONField(help_text="task name → newest payload version it knows")
    slots = models.PositiveIntegerField()
    busy = models.PositiveIntegerField()
    started_at = models.DateTimeField()
    seen_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return self.name
