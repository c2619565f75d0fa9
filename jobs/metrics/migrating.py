"""How far plain tasks have become jobs, as their messages say: those that come without a record are an old caller's."""

import json
from collections.abc import Iterator

from idempotency.statements import Connection
from jobs.metrics.by_task import UNRECORDED
from jobs.metrics.catalogue.words import STAGES
from jobs.metrics.samples import Sample, sample

# One row is of all that ever came; the minutes of the last day are kept beside it.
CAME = "SELECT labels, bool_or(minute > 'epoch') FROM jobs_measure WHERE metric = %(metric)s GROUP BY labels"


def stages(connection: Connection) -> Iterator[Sample]:
    with connection.cursor() as cursor:
        cursor.execute(CAME, {"metric": UNRECORDED})
        lately = {tuple(json.loads(labels)): is_recent for labels, is_recent in cursor.fetchall()}
    for flow in sorted({task for task, _ in lately}):
        now = _stage(refused=lately.get((flow, "refused"), False), adopted=lately.get((flow, "adopted"), False))
        for stage in STAGES:
            yield sample("jobs_migration_stage", stage == now, flow=flow, stage=stage)


def _stage(*, refused: bool, adopted: bool) -> str:
    return "legacy" if refused else "both" if adopted else "full"
