"""A broker that forgets, and one that dies."""

from tests.chaos import pace
from tests.chaos.nemesis.fault import Fault, Hit, aim


class BrokerFlush(Fault):
    """Every message is gone (FLUSHALL; on RabbitMQ every queue), while hints were waiting."""

    lasts = (0.0, 0.1)

    def strike(self) -> Hit | None:
        if not (hints := aim(lambda: self.world.broker.length(pace.QUEUE))):
            return None
        due = self.sight.due()
        self.now()
        self.world.broker.flush()
        return Hit(f"{hints} hints waited for {len(due)} records", due) if due else None


class BrokerKill(Fault):
    """SIGKILL, while records wait for hints; started again after a while."""

    lasts = (0.5, 3.0)
    others_go_on = False
    for_all = True

    def strike(self) -> Hit | None:
        if not (due := aim(self.sight.due)):
            return None
        self.now()
        self.world.broker.kill()
        return Hit(f"{len(due)} records due", due)

    def heal(self) -> None:
        self.world.broker.restart()
