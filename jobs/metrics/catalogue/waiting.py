"""What waits and for how long."""

from jobs.metrics.catalogue.words import (
    BY_BACKLOG,
    BY_MINUTES,
    BY_QUEUE,
    CRITICALITY,
    DEPTHS,
    LEDGER,
    MINUTES,
    QUANTILE,
)
from jobs.metrics.entries import Metric, Unit, one_of

WAITING = (
    Metric(name="jobs_queue_depth", unit=Unit.JOBS, labels=BY_QUEUE | {"state": one_of(*DEPTHS)},
           help="Jobs that have not ended. ready: a claim would take it; paused: due in a paused queue; scheduled: not "
           "due yet, most often a retry; held: the queue is at its bound; parked: waits for a newer worker.",
           source=LEDGER, cost=BY_BACKLOG),
    Metric(name="jobs_oldest_due_age_seconds", unit=Unit.SECONDS, labels=BY_QUEUE | {"criticality": CRITICALITY},
           help="For how long the oldest job that is due has not ended: waiting, held, parked, running or tried again "
           "and again. A job in retry counts from its first attempt, one for later from its time.",
           source=LEDGER, cost=BY_BACKLOG),
    Metric(name="jobs_waiting_age_seconds", unit=Unit.SECONDS, labels=BY_QUEUE | {"quantile": QUANTILE},
           help="How long jobs that are due and not begun have waited by now. It goes on growing when nothing runs.",
           source=LEDGER, cost=BY_BACKLOG),
    Metric(name="jobs_forecast_age_seconds", unit=Unit.SECONDS, labels=BY_QUEUE | {"criticality": CRITICALITY},
           help="What the p95 of that will be in 15 minutes if it goes on as in the last 15; absent where less than "
           "five minutes of them were looked at.", source=MINUTES, cost=BY_MINUTES),
    Metric(name="jobs_due_deficit", unit=Unit.JOBS, labels=BY_QUEUE | {"criticality": CRITICALITY},
           help="Jobs that are due, have not begun, and come after the queue's deadline even if they begin now. Absent "
           "where a queue has none.", source=LEDGER, cost="none beside that of the ages: they are among the counted"),
    Metric(name="jobs_queue_fill_ratio", unit=Unit.RATIO, labels=BY_QUEUE,
           help="Waiting jobs as a share of the queue's bound; 0 where it has none.", source=LEDGER, cost=BY_BACKLOG),
    Metric(name="jobs_leases_overdue", unit=Unit.JOBS, labels=BY_QUEUE,
           help="Jobs whose lease ran out and that nobody has taken from their dead worker.", source=LEDGER,
           cost="one look at the jobs in hand"),
)  # fmt: skip
