"""Every event that this package logs, by name. A line's `event` is one of these; its text may change."""

TABLE: dict[str, str] = {}


def _event(name: str, meaning: str) -> dict[str, str]:
    TABLE[name] = meaning
    return {"log_event": name}


# -- jobs: `job.` and the outcome of the attempt, on Celery's own lines ------------------------------------------------
for _outcome, _meaning in {
    "succeeded": "an attempt reached its end; `runtime` in seconds, without what the settle took",
    "retried": "an attempt failed, and the job is queued again",
    "given_up": "an attempt failed and there is no other: failed for good, or a dead letter",
    "lost": "an attempt ended when the job belonged to somebody else; nothing was written",
    "interrupted": "the worker was told to stop in the middle of an attempt; the job is queued again",
}.items():
    _event(f"job.{_outcome}", _meaning)
JOB_LOST = {"log_event": "job.lost"}
JOB_ENDED = _event("job.ended", "a person ended or withdrew it by remote control")
JOB_NOT_ENDED = _event("job.not_ended", "it was to be ended by remote control and could not be, or had ended by itself")
# -- workers ----------------------------------------------------------------------------------------------------------
PROCESS_DIED = _event("worker.process_died", "a worker's process died; what its claim held is returned")
LEASES_NOT_RENEWED = _event("worker.leases_not_renewed", "the database did not answer in time; tried again")
EVENTS_SILENT = _event("worker.events_silent", "no task events for Flower for some seconds: the broker is away")
NOT_REGISTERED = _event("worker.not_registered", "a worker's row in the registry could not be removed; it expires")
LIMITS_UNWRITTEN = _event("worker.limits_unwritten", "vendors' limits were not written; the relay will")
CHECK = _event("worker.check", "what a starting worker found wrong with settings or servers")
# -- vendors ----------------------------------------------------------------------------------------------------------
VENDOR_REFUSES = _event("vendor.refuses", "a vendor does not take our credentials; its queue pauses")
WAIT_CUT = _event("vendor.wait_cut", "a vendor asked for a longer pause than JOBS_MAX_PAUSE")
# -- servers ----------------------------------------------------------------------------------------------------------
DATABASE_AWAY = _event("database.away", "the database cannot be reached; whoever says so tries again")
BROKER_AWAY = _event("broker.away", "the relay could not send hints; its next tick tries again")
HINT_UNSENT = _event("hint.unsent", "a caller could not send a hint; the relay will")
HINT_DROPPED = _event("hint.dropped", "a hint names a queue that is not declared: it is forged, or old")
MESSAGE_DROPPED = _event("message.dropped", "a message that cannot be read")
QUEUE_MENDED = _event("queue.mended", "a broken queue of RabbitMQ is deleted and declared anew")
LOOK_FAILED = _event("queue.look_failed", "the length of a queue could not be asked")
# -- schedules ---------------------------------------------------------------------------------------------------------
TICK_NOT_FIRED = _event("schedule.tick_not_fired", "a tick led to no job; the ledger tells why")
SCHEDULE_PAUSED = _event("schedule.paused", "the last jobs of a schedule were given up, and it fires no more")
SCHEDULE_WRONG = _event("schedule.wrong", "a schedule cannot be read, and does not tick")
SCHEDULE_FAILED = _event("schedule.failed", "a schedule's turn failed; it is taken again")
CLOCK_WRONG = _event("schedule.clock_wrong", "a beat's clock differs from the database's")
# -- what looks after it -----------------------------------------------------------------------------------------------
ALERT_UNTOLD = _event("watch.untold", "an alert could not be mailed or posted")
METRICS_UNREAD = _event("metrics.unread", "the database did not answer the exporter")
BULK_STUMBLED = _event("bulk.stumbled", "a bulk replay could not go on in this tick; the next one tries again")
# -- the application's own part ----------------------------------------------------------------------------------------
CLASSIFIER_FAILED = _event("classifier.failed", "a classifier cannot be loaded, failed, or gave no verdict")
RETRY_AFTER_INVALID = _event("retry_after.invalid", "an error's retry_after is no span and no moment")
OBSERVER_FAILED = _event("observer.failed", "an observer raised and is passed over")
