"""Celery's task events, one set per job, so that Flower sees jobs and not hints.

Many events go in one message, each written as JSON text at once: Celery's own way (a dictionary through its dispatcher,
encoded later) costs more than all the rest of a short job.
"""

import json
import logging
import os
import time
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import count
from typing import Any

from celery import current_app
from celery.utils.time import utcoffset

from idempotency.claims import Claimed
from jobs import log_events, observers
from jobs.worker import shared
from jobs.worker.ready import Ready

logger = logging.getLogger(__name__)

FULL = 200  # jobs in one message: about 150 kB; twice as many would save a hundredth of a job and cost a megabyte
SHOWN_AS = {"succeeded": "result", "failed": "exception", "retried": "exception"}
CLOCKED = 2  # moments of a job that have a place in the order of all events: its start and its end
LONGEST = 0.5  # seconds an event waits
_text = json.JSONEncoder().encode
_name = cache(_text)  # of tasks and queues, which are few
Event = tuple[Claimed, str, str, bool, float, str, str, float]  # with id, arguments, whether its start is told, when,
# and of its end the kind, what is shown, and the seconds it took
AWAY_REST = 5.0  # seconds without events after the broker failed: they are for eyes only


class JobEvents:
    """Of one worker process, published under the worker's own name."""

    def __init__(self, hostname: str) -> None:
        self._hostname = hostname
        self._dispatcher: Any = None
        self._waiting: list[Event] = []
        self._since = 0.0
        self._silent_until = 0.0
        self._clock = current_app.clock  # type: ignore[attr-defined]
        self._who = self._signature()

    def wanted(self) -> bool:
        return shared.events_wanted() and time.monotonic() >= self._silent_until

    def started(self, ready: Ready) -> None:
        """Before the job runs, where somebody wants to see it meanwhile; else it is told of with its end."""
        if self.wanted():
            self._add(ready, "", "", 0.0)
            ready.announced = True

    def succeeded(self, ready: Ready, shown: str, runtime: float) -> None:
        if self.wanted():
            self._add(ready, "succeeded", shown, runtime)

    def failed(self, ready: Ready, error: str, runtime: float, *, retried: bool) -> None:
        if self.wanted():
            self._add(ready, "retried" if retried else "failed", error, runtime)

    def _texts(self, event: Event, ticks: Iterator[int]) -> str:
        """Whole numbers with an exponent: to find the shortest digits of a float costs three times as much."""
        claimed, id_, arguments, announced, at, end, shown, runtime = event
        began, started = int(at * 1e6), ""
        if not announced:
            started = self._started(
                claimed, id_, arguments, f'"timestamp":{began}e-6,"clock":{next(ticks)},{self._who}'
            )
            if not end:
                return started
            started += ","
        return (
            f'{started}{{"type":"task-{end}","uuid":"{id_}","timestamp":{began + int(runtime * 1e6)}e-6,'
            f'"clock":{next(ticks)},{self._who},"{SHOWN_AS[end]}":{_text(shown)},"runtime":{int(runtime * 1e9)}e-9}}'
        )

    def _started(self, claimed: Claimed, id_: str, arguments: str, when: str) -> str:
        """Received and started in one: between the two lies nothing that could be seen."""
        root, parent = _family(claimed.options, id_) if claimed.options else (f'"{id_}"', "null")
        return (
            f'{{"type":"task-received","uuid":"{id_}",{when},"name":{_name(claimed.task)},"args":"()",'
            f'"kwargs":{_text(arguments)},"retries":{claimed.attempt - 1},"routing_key":{_name(claimed.queue)},'
            f'"root_id":{root},"parent_id":{parent},"eta":null,"expires":null}},'
            f'{{"type":"task-started","uuid":"{id_}",{when}}}'
        )

    def _ticks(self, most: int) -> Iterator[int]:
        """The next values of this process's logical clock, taken at once: its lock costs as much as half an event."""
        with self._clock.mutex:
            first = self._clock.value + 1
            self._clock.value += most
        return count(first)

    def _signature(self) -> str:
        """The members that every event of this process has; made anew now and then, because clocks change in spring."""
        return f'"hostname":{json.dumps(self._hostname)},"utcoffset":{utcoffset()},"pid":{os.getpid()}'

    def _add(self, ready: Ready, end: str, shown: str, runtime: float) -> None:
        if not self._waiting:
            self._since = time.monotonic()
        at = ready.job.started
        self._waiting.append((ready.claimed, ready.id, ready.arguments, ready.announced, at, end, shown, runtime))

    def flush_if_due(self, *, soon: bool = False) -> None:
        """`soon`: they would be within the next claim."""
        longest = LONGEST / 2 if soon else LONGEST
        if self._waiting and (len(self._waiting) >= FULL or time.monotonic() - self._since > longest):
            self.flush()

    def take(self) -> str:
        """What waits, as one JSON text. Written all at once: between bodies each line of code is a cold one."""
        waiting, self._waiting = self._waiting, []
        self._who = self._signature()
        ticks = self._ticks(CLOCKED * len(waiting))
        return f"[{','.join([self._texts(event, ticks) for event in waiting])}]"

    def flush(self) -> None:
        if not self._waiting:
            return
        body = self.take()
        try:
            with observers.around(lambda o: o.unseen()):
                self._publish(body)
        except Exception as error:  # noqa: BLE001 - whatever the broker's client throws, jobs go on
            logger.warning("no task events for %.0f s: %s", AWAY_REST, error, extra=log_events.EVENTS_SILENT)
            self._silent_until = time.monotonic() + AWAY_REST
            self._dispatcher = None

    def _publish(self, body: str) -> None:
        """As Celery's dispatcher sends the events that it has buffered."""
        if self._dispatcher is None:
            self._dispatcher = current_app.events.Dispatcher(
                current_app.connection_for_write(), hostname=self._hostname, buffer_while_offline=False
            )
            channel = self._dispatcher.producer.channel
            if hasattr(channel, "body_encoding"):  # Redis's; base64 costs more than all else here, and JSON is text
                channel.body_encoding = None
        self._dispatcher.producer.publish(
            body,
            content_type="application/json",
            content_encoding="utf-8",
            exchange=self._dispatcher.exchange.name,
            routing_key="task.multi",
            declare=[self._dispatcher.exchange],
            headers=self._dispatcher.headers,
            delivery_mode=1,
            retry=False,
        )


def _family(canvas: Mapping[str, Any], id_: str) -> tuple[str, str]:
    """The root and the parent of job `id_`."""
    return _text(canvas.get("root_id") or id_), _text(canvas.get("parent_id"))
