import verbs
from django.db import transaction
from procrastinate.contrib.django.models import ProcrastinateEvent, ProcrastinateJob
from procrastinate.exceptions import AlreadyEnqueued

from procrastinate_project.tasks import ALL


def enqueue(body, name, count="1"):
    names = [name] if count == "1" else [f"{name} {number}" for number in range(int(count))]
    with transaction.atomic():
        return [{"id": ALL[body].defer(name=n), "state": "todo"} for n in names]


def enqueue_keyed(body, name):
    """Both of its locks: https://procrastinate.readthedocs.io/en/stable/howto/advanced/locks.html"""
    try:
        return [{"id": ALL[body].configure(lock=name, queueing_lock=name).defer(name=name), "state": "todo"}]
    except AlreadyEnqueued:
        return [{"id": None, "state": "AlreadyEnqueued"}]


def state(id_):
    return ProcrastinateJob.objects.get(id=id_).status


def attempts(id_):
    return list(ProcrastinateEvent.objects.filter(job_id=id_).order_by("id").values_list("type", flat=True))


def viewer_replay(id_):
    status = verbs.post_as_viewer("/admin/procrastinate/procrastinatejob/", "retry", id_)
    return {"status": status, "moved": state(id_) == "todo"}


def duplicate():
    enqueue_keyed("effect", "taken")
    return verbs.rows_kept(lambda: enqueue_keyed("effect", "taken"))
