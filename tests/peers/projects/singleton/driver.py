from celery.result import AsyncResult

from singleton.celery_app import ALL, app


def enqueue(body, name, count="1"):
    jobs = [ALL[body].delay(name if count == "1" else f"{name} {number}") for number in range(int(count))]
    return [{"id": job.id, "state": job.state} for job in jobs]


def state(id_):
    return AsyncResult(id_, app=app).state
