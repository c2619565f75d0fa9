import verbs
from django.db import transaction
from django.utils import timezone
from django_celery_outbox.models import CeleryOutbox, CeleryOutboxDeadLetter

from outbox.celery_app import ALL


def enqueue(body, name, count="1"):
    with transaction.atomic():
        return [{"id": ALL[body].delay(name if count == "1" else f"{name} {number}").id, "state": None}
                for number in range(int(count))]  # fmt: skip


def state(id_):
    if CeleryOutbox.objects.filter(task_id=id_).exists():
        return "in the outbox"
    return "a dead letter" if CeleryOutboxDeadLetter.objects.filter(task_id=id_).exists() else "no trace of it"


def viewer_replay(_):
    """Of a publishing that was given up, for a job that fails leaves no dead letter."""
    dead = CeleryOutboxDeadLetter.objects.create(
        task_id="one", task_name="outbox.effect", args=["replayed"], created_at=timezone.now()
    )
    status = verbs.post_as_viewer("/admin/django_celery_outbox/celeryoutboxdeadletter/", "retry_selected", dead.pk)
    return {"status": status, "moved": CeleryOutbox.objects.exists()}
