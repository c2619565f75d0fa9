"""Guards taken out of the code, one at a time, and for each the test that must notice.

A rule whose test still passes without it is not a rule but a hope.
"""

from collections.abc import Iterator
from dataclasses import dataclass

SQL = "idempotency/sql"
DATABASE, CONCURRENCY, CRASH = "tests/database", "tests/concurrency", "tests/crash"


@dataclass(frozen=True, slots=True)
class Mutant:
    """In `file`, `old` becomes `new`; then `killer` must fail."""

    name: str
    file: str
    old: str
    new: str
    killer: str

    def __str__(self) -> str:
        return self.name


def _of(file: str, tests: str, *cuts: tuple[str, str, str, str]) -> Iterator[Mutant]:
    """Mutants of one file: name, old, new, and the killer's name within `tests`."""
    for name, old, new, killer in cuts:
        yield Mutant(name, file, old, new, f"{tests}::{killer}")


OWNERSHIP = f"{DATABASE}/test_ownership.py"
CLAIM = f"{DATABASE}/test_claim.py"
LIMITS = f"{DATABASE}/test_vendor_limits.py"
DEDUPE = f"{DATABASE}/test_dedupe.py"
INTENT = f"{DATABASE}/test_intent.py"
STEPS = f"{DATABASE}/test_steps.py"
SUCCESSOR = f"{DATABASE}/test_successor.py"
HINTS = f"{CONCURRENCY}/test_hints.py"

MUTANTS = (
    *_of(
        f"{SQL}/own.part.sql",
        OWNERSHIP,
        ("no write checks the token", " AND r.fencing_token = o.token", "", "test_token_and_lease_are_each_demanded"),
        ("no write checks the lease", " AND r.lease_id = %(lease_id)s", "", "test_token_and_lease_are_each_demanded"),
        (
            "no write checks the state",
            " AND (r.state = 'processing') IS TRUE",
            "",
            "test_a_worker_whose_claim_has_ended_cannot_write",
        ),
    ),
    *_of(
        f"{SQL}/owned.part.sql",
        OWNERSHIP,
        (
            "no write of a batch checks the token",
            "\n    AND r.fencing_token = (%(tokens)s::bigint[])[array_position(%(ids)s::uuid[], r.id)]",
            "",
            "test_token_and_lease_are_each_demanded",
        ),
        (
            "no write of a batch checks the lease",
            " AND r.lease_id = %(lease_id)s",
            "",
            "test_token_and_lease_are_each_demanded",
        ),
        (
            "no write of a batch checks the state",
            " AND (r.state = 'processing') IS TRUE",
            "",
            "test_a_worker_whose_claim_has_ended_cannot_write",
        ),
    ),
    *_of(
        f"{SQL}/taking.part.sql",
        CLAIM,
        (
            "attempts count when they end",
            "attempt = attempt + 1, ",
            "",
            "test_a_claim_counts_the_attempt_and_raises_the_token",
        ),
        (
            "a claim does not raise the token",
            "fencing_token = r.fencing_token + 1, ",
            "",
            "test_a_claim_counts_the_attempt_and_raises_the_token",
        ),
    ),
    *_of(
        f"{SQL}/take.part.sql",
        CLAIM,
        (
            "a claim calls every record alone",
            "alone = (SELECT count(*) FROM taken) = 1",
            "alone = true",
            "test_the_death_of_a_batch_returns_all_without_counting_and_each_comes_alone",
        ),
    ),
    *_of(
        f"{SQL}/claim_lone.sql",
        f"{DATABASE}/test_lone_claim.py",
        (
            "the short claim ignores whose turn it is",
            "OFFSET 1 LIMIT 1) IS NULL",
            "LIMIT 0) IS NULL",
            "test_of_two_it_takes_none_since_the_turns_decide",
        ),
        (
            "the short claim ignores a pause",
            "(vendor IS NOT NULL OR {{paused}})",
            "vendor IS NOT NULL",
            "test_it_takes_nothing_from_a_paused_queue",
        ),
        (
            "the short claim ignores the slots",
            "vendor IS NOT NULL OR ",
            "",
            "test_it_takes_nothing_from_a_vendors_queue_whose_slots_it_does_not_count",
        ),
        (
            "the short claim gives an attempt too many",
            " AND attempt < max_attempts",
            "",
            "test_it_takes_nothing_without_attempts",
        ),
    ),
    *_of(
        f"{SQL}/chosen.part.sql",
        CLAIM,
        (
            "a claim ignores solo",
            "WHERE (is_first OR NOT (solo OR solo_first))",
            "WHERE true",
            "test_a_solo_record_comes_alone_and_never_with_others",
        ),
    ),
    *_of(
        f"{SQL}/chosen.part.sql",
        LIMITS,
        (
            "a claim ignores the slots",
            "calls_before < coalesce((SELECT allowance FROM gate), 'infinity') AND ",
            "",
            "test_a_claim_takes_no_more_calls_than_have_slots_within_a_tenth_of_a_second",
        ),
    ),
    *_of(
        f"{SQL}/affordable.part.sql",
        LIMITS,
        (
            "retries have no budget",
            "line & 1 = 0 OR gate.retry_share IS NULL OR retries <= gate.tokens",
            "true",
            "test_retries_are_a_share_of_first_attempts_and_the_excess_waits",
        ),
    ),
    *_of(
        f"{SQL}/gate.part.sql",
        LIMITS,
        (
            "everybody probes",
            "CASE WHEN probe_out THEN 0 ELSE 1 END",
            "NULL",
            "test_when_a_pause_ends_one_job_probes_and_nobody_else_is_claimed",
        ),
        (
            "a second probe while the first is out",
            "CASE WHEN probe_out THEN 0 ELSE 1 END",
            "1",
            "test_when_a_pause_ends_one_job_probes_and_nobody_else_is_claimed",
        ),
    ),
    *_of(
        f"{SQL}/pace.part.sql",
        LIMITS,
        (
            "no ramp after a pause",
            "r.ramp_from > statement_timestamp() - 10 * r.ramp_step * interval '1 second'",
            "false",
            "test_a_probe_that_succeeds_ends_the_pause_and_the_calls_double_each_second",
        ),
    ),
    *_of(
        f"{SQL}/recover.sql",
        LIMITS,
        (
            "anybody's success ends a pause",
            " AND probe_id = %(id)s AND probe_token = %(token)s",
            "",
            "test_a_job_that_was_under_way_before_cannot_end_the_pause",
        ),
    ),
    *_of(
        f"{SQL}/account_busy.part.sql",
        f"{CONCURRENCY}/test_vendor_limits.py",
        (
            "an account is free while its claim is too new to be seen",
            "h.fencing_token < a.held_token OR ",
            "",
            "test_two_claims_at_once_never_take_two_jobs_of_an_account",
        ),
    ),
    *_of(
        f"{SQL}/stage.sql",
        CLAIM,
        (
            "a record without attempts stands in line",
            " AND attempt < max_attempts",
            "",
            "test_a_queued_record_without_attempts_left_is_not_claimed_and_ends",
        ),
        (
            "a claim takes what is not due",
            "available_at <= statement_timestamp()",
            "true",
            "test_what_is_not_due_is_not_claimed",
        ),
    ),
    *_of(
        f"{SQL}/gate.part.sql",
        CLAIM,
        (
            "a claim ignores a pause",
            "CASE WHEN shut THEN 0 WHEN",
            "CASE WHEN",
            "test_nothing_is_claimed_from_a_paused_queue_until_it_is_resumed",
        ),
    ),
    *_of(
        f"{SQL}/reap.sql",
        CLAIM,
        (
            "the reaper ignores the attempt cap",
            "WHEN attempt < max_attempts THEN NULL",
            "WHEN attempt > 0 THEN NULL",
            "test_deaths_of_a_lone_record_count_as_attempts",
        ),
        (
            "poison is never found",
            "WHEN deaths + 1 >= %(poison)s THEN 'poison'",
            "",
            "test_deaths_of_a_lone_record_count_until_it_is_poison",
        ),
        (
            "batch-mates pay for a death",
            "attempt = attempt - CASE WHEN alone THEN 0 ELSE 1 END",
            "attempt = attempt",
            "test_the_death_of_a_batch_returns_all_without_counting_and_each_comes_alone",
        ),
        (
            "survivors of a batch come together again",
            "solo = true,",
            "solo = solo,",
            "test_the_death_of_a_batch_returns_all_without_counting_and_each_comes_alone",
        ),
        (
            "the reaper takes leases that still run",
            "lease_expires_at < statement_timestamp()",
            "true",
            "test_the_reaper_takes_only_what_has_run_out_and_no_more_than_its_cap",
        ),
        (
            "the reaper has no cap",
            "LIMIT %(limit)s ",
            "",
            "test_the_reaper_takes_only_what_has_run_out_and_no_more_than_its_cap",
        ),
    ),
    *_of(
        f"{SQL}/retry.sql",
        CLAIM,
        (
            "a retry ignores the cap",
            "WHEN attempt >= max_attempts THEN 'dead_lettered'",
            "WHEN false THEN 'dead_lettered'",
            "test_no_record_has_more_attempts_than_its_cap",
        ),
    ),
    *_of(
        f"{SQL}/give_back.sql",
        CLAIM,
        (
            "attempts are given back without a bound",
            "given_back < %(bound)s OR NOT %(begun)s",
            "true",
            "test_returned_attempts_are_bounded",
        ),
        (
            "what was never begun pays for its return",
            " OR NOT %(begun)s",
            "",
            "test_parking_costs_no_attempt_however_often",
        ),
    ),
    *_of(
        f"{SQL}/pause.sql",
        CLAIM,
        (
            "a pause can be made shorter",
            "excluded.paused_until > q.paused_until",
            "true",
            "test_a_pause_is_never_made_shorter",
        ),
    ),
    *_of(
        f"{SQL}/cancel.sql",
        OWNERSHIP,
        (
            "a running job is cancelled behind its owner's back",
            " AND state = 'queued'",
            "",
            "test_a_job_in_processing_cannot_be_cancelled_behind_its_owners_back",
        ),
        (
            "a person cancels what he did not see",
            " AND fencing_token = %(token)s",
            "",
            "test_a_person_changes_only_what_the_page_showed",
        ),
    ),
    *_of(
        f"{SQL}/replay.sql",
        OWNERSHIP,
        (
            "a success is replayed",
            "state IN ('failed_permanent', 'dead_lettered')",
            "state <> 'queued'",
            "test_a_success_is_never_left",
        ),
        (
            "a person replays what he did not see",
            " AND r.fencing_token = o.token",
            "",
            "test_a_person_changes_only_what_the_page_showed",
        ),
        (
            "a replay does not raise the token",
            "fencing_token = fencing_token + 1, ",
            "",
            "test_a_replay_starts_anew",
        ),
        ("a replay keeps the old attempts", "attempt = 0, ", "", "test_a_replay_starts_anew"),
    ),
    *_of(
        f"{SQL}/replay.sql",
        DEDUPE,
        (
            "a replay runs beside a newer job of its key",
            "newer.key = r.freed_key",
            "false",
            "test_a_replay_does_not_run_beside_a_newer_job_of_its_freed_key",
        ),
    ),
    *_of(
        f"{SQL}/supersede.sql",
        SUCCESSOR,
        (
            "a payload is corrected in doubt",
            "(intent_at IS NULL OR %(nothing_done)s)",
            "true",
            "test_while_its_effect_may_have_happened_nothing_replaces_it_unless_somebody_looked",
        ),
        (
            "a record is replaced twice",
            "resolution IS DISTINCT FROM 'superseded'",
            "true",
            "test_a_record_is_replaced_once",
        ),
        (
            "a person replaces what he did not see",
            " AND fencing_token = %(token)s",
            "",
            "test_nothing_replaces_a_record_that_a_page_shows_as_it_no_longer_is",
        ),
        (
            "a success is replaced",
            "state IN ('failed_permanent', 'dead_lettered')",
            "state <> 'queued'",
            "test_a_success_is_neither_replaced_nor_discarded",
        ),
    ),
    *_of(
        f"{SQL}/replay.sql",
        SUCCESSOR,
        (
            "what was replaced runs again",
            "resolution IS DISTINCT FROM 'superseded'",
            "true",
            "test_what_was_replaced_never_runs_again",
        ),
    ),
    *_of(
        f"{SQL}/discard.sql",
        SUCCESSOR,
        (
            "a person discards what he did not see",
            " AND r.fencing_token = o.token",
            "",
            "test_a_discarded_record_is_discarded_once_and_by_what_the_page_showed",
        ),
        (
            "a discard does not raise the token",
            "fencing_token = fencing_token + 1",
            "fencing_token = fencing_token",
            "test_a_discarded_record_is_discarded_once_and_by_what_the_page_showed",
        ),
    ),
    *_of(
        f"{SQL}/succeeded_by.sql",
        OWNERSHIP,
        (
            "a stranger's success is taken for one's own",
            " AND r.lease_id = %(lease_id)s",
            "",
            "test_a_claim_can_ask_whether_its_own_settle_went_through",
        ),
    ),
    *_of(
        f"{SQL}/expire.sql",
        OWNERSHIP,
        (
            "the death of one claimant ends the leases of all",
            " AND claimed_by = %(claimed_by)s",
            "",
            "test_the_records_of_a_dead_claimant_are_returned_at_once_and_no_others",
        ),
    ),
    *_of(
        f"{SQL}/prune.sql",
        DEDUPE,
        (
            "the pruner takes dead letters",
            "WHERE state = 'succeeded' AND",
            "WHERE finished_at IS NOT NULL AND",
            "test_the_pruner_takes_only_old_successes",
        ),
        (
            "a pruned key is free again",
            "SET payload = NULL,",
            "SET key = NULL, payload = NULL,",
            "test_a_pruned_record_still_answers_for_its_key",
        ),
    ),
    *_of(
        f"{SQL}/prune.sql",
        f"{DATABASE}/test_books.py",
        (
            "what was pruned is not in the books",
            "SELECT task, 0, count(*) FROM gone",
            "SELECT task, 0, 0 FROM gone",
            "test_pruning_moves_records_within_the_books",
        ),
    ),
    *_of(
        f"{SQL}/free_key.sql",
        DEDUPE,
        (
            "a key is freed before its window has passed",
            "finished_at < statement_timestamp() - %(window)s::interval",
            "%(window)s::interval IS NOT NULL",
            "test_a_key_is_freed_only_when_its_window_has_passed",
        ),
    ),
    *_of(
        f"{SQL}/inserted.part.sql",
        f"{CONCURRENCY}/test_enqueue.py",
        (
            "a duplicate aborts its caller's transaction",
            "ON CONFLICT DO NOTHING",
            "",
            "test_twenty_callers_of_one_key_make_one_record_and_all_hold_it",
        ),
    ),
    *_of(
        f"{SQL}/inserted.part.sql",
        DEDUPE,
        (
            "keys are written in the caller's order",
            "ORDER BY key",
            "",
            "test_a_statement_writes_its_keys_in_one_order_so_that_no_two_wait_for_each_other",
        ),
    ),
    *_of(
        f"{SQL}/inserted.part.sql",
        f"{DATABASE}/test_books.py",
        (
            "an enqueue is not in the books",
            "SELECT %(task)s, count(*), 0 FROM inserted HAVING count(*) > 0",
            "SELECT %(task)s, 0, 0 FROM inserted HAVING count(*) > 0",
            "test_every_record_is_counted_where_it_is",
        ),
    ),
    *_of(
        f"{SQL}/intend.sql",
        OWNERSHIP,
        (
            "an intent is noted by anybody",
            "WHERE {{own}}",
            "WHERE r.id = o.id",
            "test_a_worker_whose_claim_has_ended_cannot_write",
        ),
    ),
    *_of(
        f"{SQL}/retry.sql",
        INTENT,
        (
            "any retry takes the intent back",
            "intent_at = CASE WHEN %(nothing_done)s THEN NULL ELSE intent_at END",
            "intent_at = NULL",
            "test_an_intent_outlives",
        ),
    ),
    *_of(
        f"{SQL}/reap.sql",
        INTENT,
        ("the reaper forgets the intent", "solo = true,", "solo = true, intent_at = NULL,", "test_an_intent_outlives"),
    ),
    *_of(
        f"{SQL}/keep_step.sql",
        STEPS,
        (
            "a later result replaces a kept step",
            "ON CONFLICT (record_id, name) DO NOTHING",
            "ON CONFLICT (record_id, name) DO UPDATE SET result = excluded.result",
            "test_of_two_results_of_one_step_the_first_is_adopted",
        ),
        (
            "a step is kept by whoever lost the record",
            "WHERE {{own}}",
            "WHERE r.id = o.id",
            "test_a_worker_that_lost_the_record_cannot_keep_a_step",
        ),
    ),
    *_of(
        "idempotency/migrations/0013_fewer_words.py",
        f"{DATABASE}/test_guard.py",
        (
            "the table allows any move",
            "ELSE false",
            "ELSE true",
            "test_the_table_allows_the_moves_of_the_state_machine_and_no_other",
        ),
    ),
    *_of(
        "jobs/enqueueing.py",
        DEDUPE,
        (
            "another payload gets the same handle",
            "if found.fingerprint.hex != request.fingerprint:",
            "if False:",
            "test_the_same_key_with_another_payload_is_a_conflict_and_the_transaction_lives",
        ),
    ),
    *_of(
        "jobs/enqueueing_many.py",
        DEDUPE,
        (
            "the statements of one call come in the caller's order",
            'sorted(requests, key=lambda r: r.key or "")',
            "requests",
            "test_statements_of_one_call_keep_that_order",
        ),
    ),
    *_of(
        "jobs/hints.py",
        HINTS,
        (
            "the hint goes before the commit",
            "transaction.on_commit(_Nudge(queue), robust=True)",
            "nudge(queue)",
            "test_a_transaction_sends_one_hint_after_its_commit_and_none_when_it_rolls_back",
        ),
    ),
    *_of(
        "jobs/relay.py",
        HINTS,
        (
            "the relay does not look at what waits already",
            "max(0, wanted - hints.depth(queue))",
            "wanted",
            "test_without_consumers_the_relay_tops_up_to_the_window_and_stops",
        ),
        (
            "the relay counts hints as sent and sends none",
            "            hints.send(queue, missing)\n",
            "            pass\n",
            "test_a_wiped_broker_is_refilled_by_the_next_tick",
        ),
        (
            "two relays top up one queue at once",
            "if not cursor.fetchone()[0]:",
            "if False:",
            "test_relays_side_by_side_send_no_more_than_one_would",
        ),
    ),
    *_of(
        "jobs/relay.py",
        f"{CRASH}/test_deaths.py",
        (
            "nobody reaps",
            "self._own.once(transitions.reap) | ",
            "",
            "test_the_jobs_of_a_killed_worker_go_to_another_when_their_lease_has_run_out",
        ),
    ),
    *_of(
        "jobs/context.py",
        STEPS,
        (
            "the vendor's key changes with the attempt",
            "return str(self.claimed.id)\n",
            'return f"{self.claimed.id}:{self.claimed.attempt}"\n',
            "test_the_vendors_key_is_the_same_in_every_attempt",
        ),
    ),
    *_of(
        "jobs/context.py",
        f"{CRASH}/test_unknown_outcome.py",
        (
            "no intent is noted before the effect",
            "            self.settler.own.insist(lambda c: transitions.intend(c, self.claimed))\n",
            "",
            "test_an_effect_that_may_have_happened_is_not_repeated_but_shown_to_a_person[killed]",
        ),
        (
            "any error proves that nothing was done",
            "self._acted or not taxonomy.proves_nothing_done(error)",
            "False",
            "test_an_effect_that_may_have_happened_is_not_repeated_but_shown_to_a_person[timed out]",
        ),
    ),
    *_of(
        "jobs/worker/attempt.py",
        f"{CRASH}/test_unknown_outcome.py",
        (
            "already_done is skipped",
            "        found = task.already_done(**payload)\n",
            "        found = None\n",
            "test_where_the_other_side_can_be_asked_it_is[killed]",
        ),
        (
            "an unknown outcome is sent again",
            "    if job.in_doubt:\n",
            "    if False:\n",
            "test_an_effect_that_may_have_happened_is_not_repeated_but_shown_to_a_person[killed]",
        ),
    ),
    *_of(
        "jobs/worker/attempt.py",
        f"{CRASH}/test_bodies.py",
        (
            "a transaction that a body left open is nobody's business",
            "if any_opened() and open_transactions() - job.around:",
            "if False:",
            "test_a_body_however_it_ends_ends_in_a_state_and_harms_no_other",
        ),
    ),
    *_of(
        "jobs/worker/settle.py",
        f"{CRASH}/test_deaths.py",
        (
            "no row is no reason to roll back",
            "                    raise _lost(job.claimed)\n",
            "                    pass\n",
            "test_a_worker_that_was_frozen_past_its_lease_cannot_finish_the_job",
        ),
    ),
    *_of(
        "jobs/worker/keeper.py",
        "tests/peers/test_failures.py",
        (
            "leases are not renewed",
            "                self._renew(batch)\n",
            "                pass\n",
            "test_a_job_longer_than_the_lease_runs_once_between_two_healthy_workers",
        ),
    ),
    *_of(
        "jobs/worker/child.py",
        f"{CRASH}/test_forgotten_claim.py",
        (
            "a job that shows outside begins before its claim is on disk",
            "            self.claimer.harden(claimed.queue)\n",
            "",
            "test_a_job_that_shows_outside_begins_when_its_claim_is_on_disk",
        ),
    ),
    *_of(
        "jobs/worker/claimer.py",
        f"{CRASH}/test_forgotten_claim.py",
        (
            "no claim waits for the disk after a crash",
            "queue in self._outside or self._own.is_young()",
            "queue in self._outside",
            "test_claims_that_follow_upon_a_crash_are_kept",
        ),
    ),
    *_of(
        "jobs/worker/short_way.py",
        f"{DATABASE}/test_short_way.py",
        (
            "Celery's tracer is left out although somebody listens",
            "known[2] and (self._is_quiet() or all(map(_is_unheard, HEARD, self._deaf)))",
            "known[2]",
            "test_who_listens_closes_the_way_at_once_and_opens_it_when_gone",
        ),
        (
            "an error is not handed to Celery's tracer",
            "        job.ending = Raised(error)\n",
            "        job.ending = lambda: None\n",
            "test_however_a_job_ends_nobody_can_tell_which_way_it_went",
        ),
    ),
    *_of(
        "jobs/worker/child.py",
        f"{CRASH}/test_shutdown.py",
        (
            "a worker that stops keeps what it has not begun",
            "                self._give_back(unstarted)\n",
            "                pass\n",
            "test_a_warm_shutdown_finishes_the_running_job_and_returns_the_others_untouched",
        ),
    ),
    *_of(
        f"{SQL}/resume.sql",
        f"{DATABASE}/test_overview.py",
        (
            "a resume ends a pause that nobody has seen",
            "(%(seen_at)s::timestamptz IS NULL",
            "(true",
            "test_a_pause_that_began_since_the_page_was_shown_is_another_one",
        ),
    ),
    *_of(
        "jobs/minutes.py",
        f"{DATABASE}/test_minutes.py",
        (
            "two relays count a minute",
            "ON CONFLICT DO NOTHING",
            "",
            "test_a_relay_that_comes_late_to_a_minute_leaves_it_as_it_is",
        ),
    ),
    *_of(
        "jobs/worker/parent.py",
        f"{CRASH}/test_deaths.py",
        (
            "a dead child's records wait for their lease",
            "        _thread.child_died(task_id, str(exception))\n",
            "        pass\n",
            "test_the_job_of_a_killed_process_runs_again_at_once",
        ),
    ),
    *_of(
        "jobs/schedules/sql/take.sql",
        "tests/schedules/test_turns.py",
        (
            "a turn takes no lock",
            "FOR UPDATE OF o SKIP LOCKED",
            "",
            "test_a_schedule_whose_turn_somebody_else_has_is_passed",
        ),
    ),
    *_of(
        "jobs/schedules/asking.py",
        "tests/schedules/test_turns.py",
        (
            "a tick has the task's own key",
            "None if own else key(wanted, nominal)",
            "None",
            "test_a_tick_has_one_job_and_its_key_is_its_own",
        ),
    ),
)
