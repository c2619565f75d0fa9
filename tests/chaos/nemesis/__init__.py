"""The faults, one class per kind: how it strikes, heals, and knows that it hit something in flight."""

from tests.chaos.nemesis.beats import KillBeat, StopBeat
from tests.chaos.nemesis.brokers import BrokerFlush, BrokerKill
from tests.chaos.nemesis.callers import CallerAnswerLost, KillCaller, KillCallerBackend
from tests.chaos.nemesis.clock import ClockSkew
from tests.chaos.nemesis.database import DiskFull, PostgresImmediate
from tests.chaos.nemesis.fault import Fault
from tests.chaos.nemesis.relays import KillRelay, StopRelay
from tests.chaos.nemesis.vendor import VendorAnswerLost, VendorSlow
from tests.chaos.nemesis.wires import (
    BrokerHalfOpen,
    BrokerSlow,
    DatabaseAnswerLost,
    DatabaseHalfOpen,
    KillBackend,
    NetnsCut,
)
from tests.chaos.nemesis.workers import KillChild, KillGroup, KillParent, StopChild, StopWorker

FAULTS: dict[str, type[Fault]] = {
    "kill_worker_parent": KillParent,
    "kill_worker_child": KillChild,
    "kill_worker_group": KillGroup,
    "stop_worker": StopWorker,
    "stop_child": StopChild,
    "database_half_open": DatabaseHalfOpen,
    "database_answer_lost": DatabaseAnswerLost,
    "broker_half_open": BrokerHalfOpen,
    "broker_slow": BrokerSlow,
    "kill_backend": KillBackend,
    "netns_cut": NetnsCut,
    "clock_skew": ClockSkew,
    "kill_relay": KillRelay,
    "stop_relay": StopRelay,
    "kill_beat": KillBeat,
    "stop_beat": StopBeat,
    "broker_flush": BrokerFlush,
    "broker_kill": BrokerKill,
    "postgres_immediate": PostgresImmediate,
    "disk_full": DiskFull,
    "kill_caller": KillCaller,
    "caller_answer_lost": CallerAnswerLost,
    "kill_caller_backend": KillCallerBackend,
    "vendor_answer_lost": VendorAnswerLost,
    "vendor_slow": VendorSlow,
}
