"""What entries of the catalogue have in common: bounds, labels, sources and costs."""

from idempotency.states import State
from jobs import conf
from jobs.metrics.entries import Label, one_of

# What is waited for by people and by vendors, in seconds: each limit that an alert knows is a bound.
WAITS = (0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600)
ASKED = (1, 5, 30, 60, 300, 600, 3600)  # by vendors, in Retry-After
CALLS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
RUNS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)
QUANTILES = {"0.5": 0.5, "0.95": 0.95, "0.99": 0.99}
OUTCOMES = ("ok", "rate_limited", "refused", "client_error", "server_error", "timeout", "connection_error")
ENDS = ("", "retried", "given_up")  # OpenTelemetry's error.type: nothing where there was no error
DEPTHS = ("ready", "paused", "scheduled", "held", "parked", "running")
GIVEN_UP = (State.FAILED_PERMANENT.value, State.DEAD_LETTERED.value)
TROUBLES = ("no_beat", "late", "clock", "paused", "unreadable")  # of schedules
RELATIONS = ("idempotency_record", "idempotency_attempt")
FAILED = ("retry", "give_back", "reap", "fail", "dead_letter", "terminate")  # arrows that leave a row of an attempt
DEATHS = ("killed", "crashed", "exited")  # of a process: signal 9; another signal; by itself
BECAME = ("adopted", "refused")  # of a message without a record
STAGES = ("legacy", "both", "full")  # of a plain task that becomes a job
RECENT = "the last 15 minutes"
WINDOWS = {"5m": 300, "30m": 1_800, "1h": 3_600, "6h": 21_600, "3d": 259_200}  # seconds: the pairs of burn alerts

QUEUE = Label("the queues of JOBS_QUEUES", lambda: list(conf.queues()))
CRITICALITY = one_of(*conf.CRITICALITIES)
VENDOR = Label("the vendors that tasks name")
VENDOR_OR_NONE = Label("the vendors that tasks name, or empty")
QUANTILE = one_of(*QUANTILES)
SENT = one_of("", "failed")
BUILD = Label("the builds of live workers")
TASK = Label("the tasks that workers know, `_other` from the hundredth on", most=100)
FLOW = Label("the tasks of which messages came without a record", most=15)
HOST = Label("the machines of live workers and beats", most=50)
SCHEDULE = Label("the enabled schedules", most=50)
OF_BUILD = Label("one of each build", most=1)

LEDGER = "records, by the snapshot"
WORKERS = "workers' reports, by the snapshot"
MINUTES = "the relay's minutes, by the snapshot"
MEASURED = "workers' own measurements, added up in the database"
CALLERS = "callers' own measurements and people's decisions, added up in the database"
ENDED = "the relay's minutes, added up in the database"
ADDED_UP = {MEASURED, CALLERS, ENDED}  # kept in one table, and not in the snapshot

BY_QUEUE = {"queue": QUEUE}
OF_WINDOW = {"criticality": CRITICALITY, "window": one_of(*WINDOWS)}
ONE_ROW = "a row or a few"
BY_BACKLOG = "an index-only look at what waits, nothing of what is done: tens of milliseconds for 100,000 waiting jobs"
BY_MINUTES = "15 rows for each queue"
BY_DAYS = "4,320 rows for each queue, of a table that is read in this order"
BY_LABELS = "15 rows for each vendor and outcome"
PER_EVENT = "a microsecond in the worker, a row per minute"
PER_MINUTE = "a microsecond in the caller, and a statement a minute in each of its processes"
COUNTED = "none beside the count of the minute, which makes it"
RARELY = "a microsecond when it happens, a row per minute"
