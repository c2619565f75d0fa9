import verbs
from django.db import transaction

from idempotency.models import Attempt, Record
from ours import tasks


def enqueue(body, name, count="1"):
    with transaction.atomic():
        names = [name] if count == "1" else [f"{name} {number}" for number in range(int(count))]
        return [{"id": job.id, "state": job.state} for job in (tasks.ALL[body].enqueue(name=n) for n in names)]


def state(id_):
    record = Record.objects.get(id=id_)
    return f"{record.state} ({record.reason})" if record.reason else record.state


def attempts(id_):
    return [f"attempt {attempt}: {outcome}" for attempt, outcome in
            Attempt.objects.filter(record_id=id_).order_by("id").values_list("attempt", "outcome")]  # fmt: skip


def viewer_replay(id_):
    status = verbs.post_as_viewer("/admin/idempotency/record/", "replay_selected", id_)
    return {"status": status, "moved": Record.objects.get(id=id_).state == "queued"}


def duplicate():
    tasks.effect.enqueue(name="taken")
    return verbs.rows_kept(lambda: tasks.effect.enqueue(name="taken"))
