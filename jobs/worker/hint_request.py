"""A hint in the hands of the parent: on to a child as soon as it is here."""

from typing import Any
from weakref import ref

from celery.exceptions import TaskRevokedError
from celery.worker.request import Request
from kombu.asynchronous import get_event_loop

from jobs.worker.following import follow

FOR_EVER = 10**9  # seconds; Celery's own limits are for messages, ours are for jobs, and 0 would mean the global one


class HintRequest(Request):
    """As Celery's, but that the pool gets `follow` for its tracer, and the child the hint at once.

    The parent sets no timer for it. Celery leaves a cancelled timer where it is until its time has come, and that of a
    hint never comes: each would keep half a kilobyte for ever.
    """

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Celery makes a class of this one that has its own way to the pool."""
        super().__init_subclass__(**kwargs)
        cls.execute_using_pool = HintRequest.execute_using_pool  # type: ignore[method-assign]

    def execute_using_pool(self, pool: Any, **_options: Any) -> Any:
        if self.revoked():
            raise TaskRevokedError(self.id)
        result = pool.apply_async(
            follow,
            args=(self.type, self.id, self.request_dict, self.body, self.content_type, self.content_encoding),
            accept_callback=self.on_accepted,
            timeout_callback=self.on_timeout,
            callback=self.on_success,
            error_callback=self.on_failure,
            soft_timeout=FOR_EVER,
            timeout=FOR_EVER,
            correlation_id=self.id,
        )
        if hasattr(result, "_on_timeout_set"):  # billiard's: other pools set none
            result._on_timeout_set = None  # noqa: SLF001 - it is asked only once the child has accepted
            _write(pool)
        self._apply_result = ref(result) if result is not None else None
        return result


def _write(pool: Any) -> None:
    """To a child that waits, now: Celery would first ask the broker for more, and write in its loop's next round."""
    processes, loop = pool._pool, get_event_loop()  # noqa: SLF001 - it offers no other way
    write: Any = getattr(loop, "consolidate_callback", None)
    if write is None or not hasattr(processes, "_busy_workers"):
        return
    busy, writing = processes._busy_workers, processes._active_writes  # noqa: SLF001
    if idle := processes._all_inqueues - busy - writing:  # noqa: SLF001
        write(sorted(idle))
