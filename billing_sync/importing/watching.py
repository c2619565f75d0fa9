"""Following an import that a worker does: the caller only looks at its row, so the caller may leave at any time."""

import time
from collections.abc import Callable

from billing_sync.models import Import
from jobs import JobResult

POLL = 0.2  # seconds: a bar that moves five times a second looks alive, and the database does not feel it
# A worker that is there takes a job within a second; this long without any progress is worth a word.
PATIENCE = 5.0

NO_WORKER = (
    "No worker takes the job. It is safely stored and waits; start a worker for its queue, and the relay:\n"
    "  celery -A config worker -Q bulk-import\n"
    "  python manage.py jobs relay"
)


class ImportFailedError(Exception):
    """The job was given up; the message says how to look into it."""


def wait_until_done(watched: Import, progress: Callable[[int], None], warn: Callable[[str], None]) -> None:
    """Returns when the import is done. `progress` hears how many lines are, `warn` when nobody works on it."""
    last_change, warned = time.monotonic(), False
    while watched.state != Import.State.DONE:
        before = watched.lines_done
        time.sleep(POLL)
        watched.refresh_from_db()
        progress(watched.lines_done)
        job = JobResult(str(watched.job_id))
        if job.failed():
            raise ImportFailedError(_given_up(watched))
        if watched.lines_done != before:
            last_change, warned = time.monotonic(), False
        elif time.monotonic() - last_change > PATIENCE and not warned and job.state == "queued":
            warned = True
            warn(NO_WORKER)


def _given_up(watched: Import) -> str:
    return (
        f"Import {watched.pk} stopped after {watched.lines_done:,} of {watched.lines:,} lines: its job was given up. "
        f"See why with `manage.py jobs why {watched.job_id}`; once replayed, it goes on where it stopped."
    )
