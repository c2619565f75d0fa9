import os

import redis
from relier.core.keys import RedisKeys

from relier_project.tasks import ALL


def enqueue(body, name, count="1"):
    names = [name] if count == "1" else [f"{name} {number}" for number in range(int(count))]
    return [{"id": ALL[body].push(n).id, "state": None} for n in names]


def state(id_):
    """Where its keys in Redis speak of the task; it offers no state by id."""
    with redis.Redis.from_url(os.environ["PEERS_BROKER_URL"], decode_responses=True) as client:
        if client.hexists(RedisKeys.dlq_hash(), id_):
            return "in its DLQ"
        return "in flight" if client.exists(RedisKeys.phoenix(id_)) else "no trace of it"
