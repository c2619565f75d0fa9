from django.db import transaction
from django_tasks_db.models import DBTaskResult

from tasks_db.tasks import ALL


def enqueue(body, name, count="1"):
    names = [name] if count == "1" else [f"{name} {number}" for number in range(int(count))]
    with transaction.atomic():
        return [{"id": result.id, "state": result.status} for result in (ALL[body].enqueue(n) for n in names)]


def state(id_):
    return DBTaskResult.objects.get(id=id_).status
