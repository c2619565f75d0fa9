"""How each page's trouble comes about: `break_it`, then what no command of a page can do: a person's part, and time."""

from dataclasses import dataclass

from idempotency.states import PauseKind
from tests.runbooks import acts, disk_full, migrating, procedures


@dataclass(frozen=True)
class Scenario:
    """`mend`: what the page leaves to a person, before *Mitigate*; `wait`: time passes, before *Verify*."""

    break_it: acts.Act
    mend: acts.Act = acts.nothing
    wait: acts.Act = acts.nothing
    condition: acts.Act | None = None  # where `jobs watch` cannot see the alert
    fast: bool = False


SCENARIOS = {
    "critical-jobs-too-old": Scenario(acts.an_old_critical_job, fast=True),
    "dead-letter-surge": Scenario(acts.dead_letters, wait=acts.an_hour_passes),
    "vendor-paused": Scenario(acts.paused(PauseKind.RATE_LIMIT), fast=True),
    "no-workers": Scenario(lambda stack: stack.enqueue(3)),
    "workers-idle": Scenario(acts.idle_workers),
    "saturated": Scenario(acts.a_full_pool),
    "workers-dying": Scenario(acts.poison, wait=acts.attempts_grow_old),
    "leases-overdue": Scenario(acts.a_dead_machine),
    "failing-for-good": Scenario(acts.refused_jobs, wait=acts.an_hour_passes),
    "retry-storm": Scenario(acts.many_retries, wait=acts.minutes_pass),
    "slo-burn": Scenario(acts.late_jobs, wait=acts.minutes_pass),
    "backlog-grows": Scenario(acts.a_growing_backlog),
    "broker-full": Scenario(acts.a_full_broker, mend=acts.room, wait=acts.a_minute_passes),
    "vendor-failing": Scenario(acts.a_failing_vendor, wait=acts.minutes_pass),
    "vendor-refuses-us": Scenario(acts.paused(PauseKind.REFUSED)),
    "dead-letters-unreviewed": Scenario(acts.an_old_dead_letter),
    "parked": Scenario(acts.a_forgotten_worker, mend=acts.a_release),
    "queue-full": Scenario(acts.a_full_queue),
    "relay-down": Scenario(acts.a_relay_that_died, fast=True),
    "books-do-not-balance": Scenario(acts.a_deleted_record, mend=acts.a_restore),
    "books-not-audited": Scenario(acts.an_old_audit),
    "long-transaction": Scenario(acts.a_forgotten_shell),
    "metrics-absent": Scenario(
        acts.no_exporter, condition=lambda s: s.run("curl -fsS http://127.0.0.1:9808/metrics").returncode
    ),
    "clock-wrong": Scenario(acts.a_wrong_clock),
    "beat-stands-still": Scenario(acts.no_beat),
    "broker-lost": Scenario(acts.a_lost_broker, condition=acts.always),
    "jobs-wait": Scenario(acts.idle_workers, condition=acts.always),
    "dead-letters": Scenario(acts.dead_letters, condition=acts.always),
    "drain-a-host": Scenario(acts.a_pool_to_drain, condition=acts.always),
    "deploy-and-rollback": Scenario(procedures.a_running_release, wait=procedures.all_are_done, condition=acts.always),
    "postgres-failover": Scenario(procedures.a_failover, wait=procedures.all_are_done, condition=acts.always),
    "restore-from-backup": Scenario(
        procedures.a_restored_database, wait=procedures.work_is_done_in_default, condition=acts.always
    ),
    "disk-full": Scenario(
        disk_full.a_full_disk, mend=disk_full.space, wait=procedures.all_are_done, condition=acts.always
    ),
    "migrate-a-flow": Scenario(
        migrating.a_plain_flow, mend=migrating.both_ways, wait=migrating.each_is_done_once, condition=acts.always
    ),
    "poison-message": Scenario(procedures.strange_messages, wait=procedures.all_are_done, condition=acts.always),
}
