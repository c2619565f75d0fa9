"""The state machine, driven at random on a real database beside a model in memory."""

from datetime import timedelta
from itertools import count
from uuid import UUID, uuid4

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from idempotency import queues, transitions
from idempotency.claims import Request, Seen
from idempotency.errors import LeaseLost
from idempotency.ids import new_hex
from idempotency.states import ARROWS, REVIEWABLE, Reason, Resolution, State, is_legal
from tests.property import model
from tests.property.model import Job, Model
from tests.records import (
    LEASE,
    OOPS,
    ask,
    assert_balanced,
    claim,
    claim_lone,
    key_of,
    let_all_be_due,
    let_leases_run_out,
    own_connection,
    rows,
)

NOW, LATER = timedelta(0), timedelta(hours=1)
HOPELESS = (Reason.POISON, Reason.UNKNOWN_OUTCOME)
MOSTLY = st.sampled_from([True, True, True, False])
KEYS = st.lists(st.sampled_from([None, "a", "b", "c"]), min_size=1, max_size=3)
FAST = settings(max_examples=50, stateful_step_count=40, suppress_health_check=list(HealthCheck))


class Machine(RuleBasedStateMachine):
    connection = None  # given by the test

    def __init__(self):
        super().__init__()
        self.transaction = self.connection.transaction(force_rollback=True)
        self.transaction.__enter__()
        self.model, self.hands, self.claimants = Model(), [], count()
        self.arrow, self.seen = "", {}

    def teardown(self):
        self.transaction.__exit__(None, None, None)

    def any_job(self, data, jobs):
        return data.draw(st.sampled_from(sorted(jobs, key=lambda job: job.id)))

    def hand(self, data, *, live):
        """A claim that was made at some time; a `live` one still owns its record, if there is any."""
        live = [c for c in self.hands if live and (job := self.model.jobs.get(c.id)) and job.owned_by(c)]
        return data.draw(st.sampled_from(live or self.hands))

    @initialize(keys=KEYS, solo=st.booleans(), cap=st.integers(1, 3), limit=st.integers(1, 4))
    def something_to_do(self, keys, solo, cap, limit):
        self.enqueue(keys, late=False, solo=solo, cap=cap, short_window=False)
        self.the_records_are_what_the_model_says_and_moved_along_arrows()
        self.claim(limit)

    # -- callers ------------------------------------------------------------------------------------------------------

    @rule(keys=KEYS, late=st.booleans(), solo=st.booleans(), cap=st.integers(1, 3), short_window=st.booleans())
    def enqueue(self, keys, late, solo, cap, short_window):
        self.arrow = "enqueue"
        if short_window:
            self.model.free(key_of(key) for key in keys)
        found = ask(
            self.connection, *keys, delay=LATER if late else NOW, solo=solo, max_attempts=cap,
            dedupe_window=NOW if short_window else None,
        )  # fmt: skip
        for key, answer in zip(map(key_of, keys), found, strict=True):
            holder = self.model.holder(key)
            if holder is None:
                assert answer.created
                self.model.jobs[answer.id] = Job(answer.id, key, cap, solo, due=not late)
            else:
                assert (answer.id, answer.state) == (holder.id, holder.state)

    # -- workers ------------------------------------------------------------------------------------------------------

    @precondition(lambda self: self.model.claimable())
    @rule(limit=st.integers(1, 4))
    def claim(self, limit):
        self.arrow = "claim"
        claimable = self.model.claimable()
        order = rows(self.connection, "available_at")
        claimant = f"worker/{next(self.claimants)}"
        batch = claim(self.connection, limit, claimed_by=claimant)
        assert {c.id for c in batch} <= claimable.keys()
        assert len(batch) <= limit
        assert bool(batch) == bool(claimable)
        if batch:
            assert order[batch[0].id] == min(order[id_] for id_ in claimable)
            assert len(batch) == 1 or not any(c.solo for c in batch)
            assert len(batch) == min(limit, len(claimable)) or any(job.solo for job in claimable.values())
        for c in batch:
            claimable[c.id].claim(c, alone=len(batch) == 1, claimed_by=claimant)
        self.hands += batch

    @rule()
    def claim_lone(self):
        """The short way, which is for a record that stands alone."""
        self.arrow = "claim"
        claimable = self.model.claimable()
        claimant = f"worker/{next(self.claimants)}"
        batch = claim_lone(self.connection, claimed_by=claimant)
        assert [c.id for c in batch] == (list(claimable) if len(claimable) == 1 else [])
        for c in batch:
            claimable[c.id].claim(c, alone=True, claimed_by=claimant)
        self.hands += batch

    @precondition(lambda self: self.hands)
    @rule(data=st.data(), how=st.sampled_from(["retry", "retry_later", "fail", *HOPELESS]), live=MOSTLY)
    def settle_one(self, data, how, live):
        """By its owner, or by a worker that lost it long ago."""
        claimed = self.hand(data, live=live)
        job = self.model.jobs.get(claimed.id)
        owned = bool(job and job.owned_by(claimed))
        self.arrow = how.removesuffix("_later") if how in {"retry", "retry_later", "fail"} else "dead_letter"
        try:
            state = self.write(claimed, how)
        except LeaseLost:
            assert not owned
            return
        assert owned
        match how:
            case "retry" | "retry_later":
                job.retry(due=how == "retry")
            case "fail":
                job.end(State.FAILED_PERMANENT, Reason.PERMANENT)
            case _:
                job.end(State.DEAD_LETTERED, Reason(how))
        assert state == job.state

    def write(self, claimed, how):
        match how:
            case "retry" | "retry_later":
                delay = LATER if how == "retry_later" else NOW
                return transitions.retry(self.connection, claimed, delay=delay, problem=OOPS)
            case "fail":
                return transitions.fail(self.connection, claimed, OOPS)
            case _:
                return transitions.dead_letter(self.connection, claimed, reason=Reason(how), problem=OOPS)

    @precondition(lambda self: self.hands)
    @rule(data=st.data(), how=st.sampled_from(["succeed", "give_back", "park", "renew"]), all_of_it=st.booleans(),
          live=MOSTLY)  # fmt: skip
    def settle_group(self, data, how, all_of_it, live):
        """Records of one claim together, some of which may be lost."""
        first = self.hand(data, live=live)
        batch = [c for c in self.hands if c.lease_id == first.lease_id] if all_of_it else [first]
        owned = [job for c in batch if (job := self.model.jobs.get(c.id)) and job.owned_by(c)]
        self.arrow = "give_back" if how == "park" else how
        match how:
            case "succeed":
                done = transitions.succeed(self.connection, batch, ['"done"'] * len(batch))
            case "renew":
                done = transitions.renew(self.connection, batch, lease=LEASE)
            case _:
                parked = "no worker knows it" if how == "park" else None
                done = transitions.give_back(self.connection, batch, parked_reason=parked)
        assert done == {job.id for job in owned}
        for job in owned:
            if how == "succeed":
                job.end(State.SUCCEEDED)
            elif how != "renew":
                job.give_back(parked=how == "park")

    # -- the relay ----------------------------------------------------------------------------------------------------

    @precondition(lambda self: self.model.of(State.PROCESSING))
    @rule(data=st.data(), one_worker=st.booleans())
    def workers_die_and_are_reaped(self, data, one_worker):
        self.arrow = "reap"
        dead = self.model.of(State.PROCESSING)
        if one_worker:
            claimant = self.any_job(data, dead).claimed_by
            dead = [job for job in dead if job.claimed_by == claimant]
            assert transitions.expire(self.connection, claimant) == len(dead)
        else:
            let_leases_run_out(self.connection)
        ended = transitions.reap(self.connection)
        for job in dead:
            job.reap()
            if not job.due:  # the wait after a death is seconds, which a slow machine may have passed
                later = "UPDATE idempotency_record SET available_at = now() + '1h' WHERE id = %s"
                self.connection.execute(later, (job.id,))
        assert ended == {job.id: job.state for job in dead}

    @precondition(lambda self: self.model.spent())
    @rule()
    def exhaust(self):
        self.arrow = "exhaust"
        spent = self.model.spent()
        assert transitions.exhaust(self.connection, ["default"]).keys() == {job.id for job in spent}
        for job in spent:
            job.end(State.DEAD_LETTERED, Reason.ATTEMPTS_EXHAUSTED)

    @precondition(lambda self: any(job.parked for job in self.model.of(State.QUEUED)))
    @rule(
        known=st.sampled_from([{"tests.task": 1}, {"tests.task": 0}, {"tests.other": 9}]),
        queue=st.sampled_from(["default", "critical"]),
    )
    def unpark(self, known, queue):
        capable = queue == "default" and known.get("tests.task")
        parked = [j for j in self.model.of(State.QUEUED) if j.parked and capable]
        assert transitions.unpark(self.connection, queue=queue, known=known) == len(parked)
        for job in parked:
            job.parked, job.due = False, True

    @precondition(lambda self: self.model.of(State.SUCCEEDED))
    @rule()
    def prune(self):
        done = [job for job in self.model.of(State.SUCCEEDED) if not job.pruned]
        assert transitions.prune(self.connection, retention=timedelta(seconds=-1)) == len(done)
        for job in done:
            job.pruned = True
            if job.key is None:
                del self.model.jobs[job.id]
        transitions.compact_tally(self.connection, limit=3)

    @precondition(lambda self: not all(job.due for job in self.model.of(State.QUEUED)))
    @rule()
    def time_passes(self):
        let_all_be_due(self.connection)
        for job in self.model.of(State.QUEUED):
            job.due = True

    # -- people -------------------------------------------------------------------------------------------------------

    @precondition(lambda self: self.model.jobs)
    @rule(data=st.data(), stale=st.booleans(), what=st.sampled_from(["cancel", "replay", "discard", "supersede"]))
    def a_person_decides(self, data, stale, what):
        self.arrow = what
        job = self.any_job(data, self.model.jobs.values())
        getattr(self, what)(job, Seen(job.id, job.token - stale), stale=stale)

    def cancel(self, job, seen, *, stale):
        allowed = job.state is State.QUEUED and not stale
        assert transitions.cancel(self.connection, seen.id, token=seen.token, why="not wanted") == allowed
        if allowed:
            job.end(State.FAILED_PERMANENT, Reason.CANCELLED)

    def replay(self, job, seen, *, stale):
        allowed = self.model.replayable(job) and not stale
        assert bool(transitions.replay(self.connection, [seen])) == allowed
        if allowed:
            job.replay()

    def discard(self, job, seen, *, stale):
        allowed = job.state in REVIEWABLE and not job.resolution and not stale
        assert bool(transitions.discard(self.connection, [seen], by="test", why="settled by hand")) == allowed
        if allowed:
            job.resolve(Resolution.DISCARDED)

    def supersede(self, job, seen, *, stale):
        allowed = self.model.replayable(job) and not stale
        key = job.key or job.freed_key
        successor = Request(new_hex(), key and key.hex, uuid4().hex, '{"corrected": true}')
        assert bool(transitions.supersede(self.connection, seen, successor, payload_version=1, by="test", why="typo",
                                          nothing_done=False)) == allowed  # fmt: skip
        if allowed:
            id_ = UUID(successor.id)
            self.model.jobs[id_] = job.be_superseded(id_)

    @rule()
    def a_paused_queue_gives_nothing(self):
        assert queues.pause(self.connection, "default", duration=None, reason="test", by="test")
        assert claim(self.connection) == []
        assert queues.resume(self.connection, "default")

    # -- what must hold after each step -------------------------------------------------------------------------------

    @invariant()
    def the_records_are_what_the_model_says_and_moved_along_arrows(self):
        now = rows(self.connection, *Job.COLUMNS)
        assert now == self.model.rows()
        for id_, row in now.items():
            self.check_arrow(self.seen.get(id_), row)
        self.seen = now

    def check_arrow(self, before, after):
        (source, token_before), (target, token) = [(r[0], r[4]) if r else (None, 0) for r in (before, after)]
        assert token >= token_before
        if target != source or (target == State.PROCESSING and token != token_before):
            assert is_legal(self.arrow, source, target), (self.arrow, source, target)
            reasons = {r for a in ARROWS if (a.name, a.target) == (self.arrow, target) for r in a.reasons}
            assert after[1] in (reasons or {None})

    @invariant()
    def the_books_balance(self):
        assert_balanced(self.connection)


def test_the_machine_moves_only_along_its_arrows(db, monkeypatch):
    monkeypatch.setattr(transitions, "GIVE_BACKS", model.GIVE_BACKS)  # reached within a few steps
    with own_connection() as connection:
        machine = type("Machine", (Machine,), {"connection": connection})
        run_state_machine_as_test(machine, settings=FAST)
