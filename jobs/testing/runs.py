"""One run: a job is asked for, one thing happens to one process (or two workers overlap), and everything recovers."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from signal import SIGSTOP
from typing import Any

from django.db import transaction

from jobs.enqueueing import Enqueued
from jobs.task import IdempotentTask, registered
from jobs.testing import roles
from jobs.testing.boundaries import Boundary, Fate
from jobs.testing.invariants import Asked, Facts, violations
from jobs.testing.processes import Actor, Ending, Role
from jobs.testing.scene import Row, Scene

MOST_IDLE = 3  # workers, one after the other, that change nothing: then nobody will


@dataclass(frozen=True, slots=True)
class Plan:
    """What was said to `crash_sweep` about the task, and what it means where nothing was said."""

    task: type[IdempotentTask]
    payload: Callable[[int], Mapping[str, Any]]
    asks: Callable[[Mapping[str, Any]], object] | None
    effects: Callable[[Mapping[str, Any]], int] | None
    check: Callable[[Mapping[str, Any]], object] | None
    allow_unknown: bool | None
    also: tuple[str, ...]

    def enqueue(self, payload: Mapping[str, Any]) -> object:
        return self.asks(payload) if self.asks else self.task.enqueue(**payload)

    @property
    def unknown_allowed(self) -> bool:
        return self.task.external_effect if self.allow_unknown is None else self.allow_unknown


class Run:
    """One run of the task, with a payload of its own."""

    def __init__(self, plan: Plan, scene: Scene, number: int) -> None:
        self._plan, self._scene = plan, scene
        self._opened = scene.now()
        self.payload = plan.payload(number)
        scene.empty_queues()
        self.began = scene.now()
        self.asked: list[Asked] = []
        self.lives: list[Actor] = []
        self.found: list[str] = []
        self._processes = ExitStack()
        self._known = scene.clients()
        self._commits: list[tuple[str, str]] = []

    def close(self) -> None:
        self._processes.close()
        self._scene.withdraw(self._opened)

    # -- the processes ------------------------------------------------------------------------------------------------

    def start(self, role: Role, fate: Fate | None = None) -> Actor:
        return self._processes.enter_context(Actor(role, fate, self._plan.also))

    def ended(self, actor: Actor) -> None:
        """Take down what it told, and whether it ended otherwise than it should."""
        if actor.ending is Ending.HANGS:
            self.found.append("A process hangs.")
            actor.kill()
        if actor.ending in (Ending.KILLED, Ending.HANGS):
            self._scene.wait_until_gone(self._known)
        self.found += [f"A process ended with an error: {error}" for error in actor.all_told("error")]
        self._commits += [(job, number) for job, number in actor.all_told("committed")]

    def ask(self) -> None:
        """Ask for the job, as a caller does whom nothing happens to."""
        with transaction.atomic():
            answer = self._plan.enqueue(self.payload)
        self._know_clients()
        told = str(answer.id) if isinstance(answer, Enqueued) else None
        self.asked.append(Asked(committed=True, recorded=bool(self._requested()), told=told))

    def ask_and_die(self, fate: Fate | None) -> Actor:
        before = len(self._requested())
        caller = self.start(roles.caller(partial(self._plan.enqueue, self.payload)), fate)
        caller.wait()
        self.ended(caller)
        committed = any(map(self._scene.committed, caller.all_told("transaction")))
        told: str | None = next(iter(caller.all_told("job")), None)
        self.asked.append(Asked(committed=committed, recorded=len(self._requested()) > before, told=told))
        return caller

    def begin_work(self, fate: Fate | None = None) -> Actor:
        """A worker that follows every hint there is."""
        worker = self.start(roles.worker(self._scene.queues), fate)
        self.lives.append(worker)
        return worker

    def work(self, fate: Fate | None = None) -> Actor:
        worker = self.begin_work(fate)
        worker.wait()
        self.ended(worker)
        return worker

    def somebody_waits(self) -> bool:
        return self._scene.somebody_waits_for_a_lock()

    def tick(self) -> None:
        """A relay that nothing happens to takes what is expired and sends the hints that are missing."""
        self._scene.relay.tick()
        self._know_clients()

    def let_leases_run_out(self) -> None:
        self._scene.let_time_pass(self.began)

    def drain(self, fates: Mapping[int, Fate]) -> None:
        """Workers, one after the other, until the jobs have ended; `fates` by the worker's number, from 1."""
        idle, now = 0, self.jobs()
        while idle < MOST_IDLE and any(job.unfinished for job in now):
            if self.lives:
                self.let_leases_run_out()
            if self.lives or not self._scene.hinted():
                self.tick()
            self.work(fates.get(len(self.lives) + 1))
            before, now = now, self.jobs()
            idle = idle + 1 if now == before else 0

    def _know_clients(self) -> None:
        """The sweep's own sessions, which may have been opened just now."""
        self._known |= self._scene.clients()

    # -- what is there ------------------------------------------------------------------------------------------------

    def jobs(self) -> list[Row]:
        """The records that this run has to bring to an end."""
        return [row for row in self._scene.records(self.began) if row.queue in self._scene.queues]

    def _requested(self) -> list[Row]:
        return [row for row in self._scene.records(self.began) if row.task == self._plan.task.name]

    def judge(self) -> list[str]:
        """Every violation of this run, as sentences."""
        jobs, keyed = self.jobs(), self._plan.task.dedupe_key is not None
        facts = Facts(
            asked=self.asked,
            keyed=keyed,
            jobs=jobs,
            commits=Counter(job for job, number in self._commits if self._scene.committed(number)),
            commit_wanted=frozenset(name for name, task in registered().items() if task.commit),
            effects=self._plan.effects(self.payload) if self._plan.effects else None,
            unknown_allowed=self._plan.unknown_allowed,
            again=self._ask_again() if keyed and not self._plan.task.dedupe_window else None,
            breaches=self._scene.breaches(),
        )
        return [*self.found, *violations(facts), *self._own_check()]

    def _ask_again(self) -> Enqueued | None:
        for first in self._requested():
            return self._plan.task.enqueue(**json.loads(first.payload or "{}"))
        return None

    def _own_check(self) -> Iterator[str]:
        if self._plan.check:
            try:
                self._plan.check(self.payload)
            except AssertionError as error:
                yield f"The check that was given fails: {error}"


# -- the kinds of runs ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Expected:
    """What a run's fault is to hit: `fate` counts within process number `life` of the role."""

    boundary: Boundary
    fate: Fate
    life: int = 1


def dying_caller(run: Run, expected: Expected) -> None:
    """The caller dies, and asks again when it is back."""
    caller = run.ask_and_die(expected.fate)
    run.found += not_hit(caller, expected)
    run.ask()
    run.drain({})


def dying_worker(run: Run, expected: Expected) -> None:
    run.ask()
    run.drain({expected.life: expected.fate})
    victim = run.lives[expected.life - 1] if len(run.lives) >= expected.life else None
    run.found += not_hit(victim, expected)


def dying_relay(run: Run, expected: Expected, claim: Fate) -> None:
    """A relay dies while it takes back what a dead worker held, and sends the hint for it."""
    abandon(run, claim)
    relay = run.start(roles.relay, expected.fate)
    relay.wait()
    run.ended(relay)
    run.found += not_hit(relay, expected)
    run.drain({})


def boundaries_of_relay(run: Run, claim: Fate) -> tuple[Boundary, ...]:
    """Those of one that nothing happens to."""
    abandon(run, claim)
    relay = run.start(roles.relay)
    relay.wait()
    run.ended(relay)
    run.drain({})
    return relay.boundaries()


def abandon(run: Run, claim: Fate) -> None:
    """Leave a job whose worker died with it, whose lease has run out, and of which no message is left."""
    run.ask()
    run.work(claim)
    run.let_leases_run_out()


def not_hit(victim: Actor | None, expected: Expected) -> Iterable[str]:
    """A run whose fault did not land proves nothing, so that is a violation as well."""
    came_to = victim.boundaries() if victim else ()
    killed = victim is not None and victim.ending is Ending.KILLED and victim.all_told("met")
    if not killed or came_to[expected.fate.number - 1] != expected.boundary:
        last = came_to[-1] if came_to else "nothing"
        yield f"Nobody was hit at {expected.boundary}: it came to {len(came_to)} boundaries, the last was {last}."


def pair(run: Run, first: int, second: int) -> bool:
    """A worker freezes before its boundary `first` and loses its job to another, which is stopped before `second`.

    The first one wakes up and goes on to its end, then the second one. Returns whether the second was stopped.
    """
    run.ask()
    zombie = run.begin_work(Fate(first, "before", SIGSTOP))
    if zombie.wait() is not Ending.STOPPED:
        run.found.append(f"The first worker was not stopped before its boundary {first}.")
    run.let_leases_run_out()
    run.tick()
    heir = run.begin_work(Fate(second, "before", SIGSTOP))
    then = heir.wait(run.somebody_waits)
    _wake(run, zombie, heir)
    run.drain({})
    return then is Ending.STOPPED


def _wake(run: Run, zombie: Actor, heir: Actor) -> None:
    """First the one that was given up; where it waits for a lock that the other holds, the other ends first."""
    zombie.go_on()
    zombie.wait(run.somebody_waits)
    for process in (heir, zombie):
        while process.ending in (Ending.STOPPED, Ending.WAITS_FOR_LOCK):
            if process.ending is Ending.STOPPED:
                process.go_on()
            process.wait()
        run.ended(process)
