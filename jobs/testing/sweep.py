"""`crash_sweep`: a task's processes die at every I/O boundary, and nothing may come of it.

An undisturbed run enumerates the boundaries: every SQL statement and commit, every message published, taken and
acknowledged, every call by httpx, requests or urllib, every mail, and what `boundary` and `also` mark. Then:

- Before and after each of them the caller, the worker or the relay is killed with SIGKILL, and others recover the job.
- Pairs: before each of them a worker freezes and loses its job to a second one, which is stopped before each of *its*
  boundaries; the first wakes up and goes on to its end, then the second.

After every run this is asserted: the record is there exactly if the caller's transaction was committed; the job ends
well; its effect happened once if it succeeded, and never twice; its `commit` was committed once if it succeeded, else
never; attempts and fencing tokens agree; the same request gets the same job; `manage.py jobs verify` finds nothing.

Nothing sleeps: leases and waits are moved into the past. Processes are forked, so they see what the test has patched;
database and broker are those of the settings, and the sweep must have them for itself.

    @pytest.mark.django_db(transaction=True)
    def test_charging_survives_every_crash(vendor):
        def order(number):
            return {"order_id": Order.objects.create(number=number).pk}

        sweep = crash_sweep(ChargeOrder, payload=order, effects=lambda payload: vendor.charges(payload["order_id"]))
        assert "call POST /v1/charges" in sweep.names("worker")  # a boundary cannot get lost unnoticed
"""

import itertools
import random
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from typing import Any

from jobs.task import IdempotentTask, registered
from jobs.testing.boundaries import Boundary, Fate, Kind
from jobs.testing.errors import CrashSweepError, CrashSweepFailed
from jobs.testing.progress import Progress
from jobs.testing.report import PHASES, Spot, Sweep, Violation
from jobs.testing.runs import Expected, Plan, Run, boundaries_of_relay, dying_caller, dying_relay, dying_worker, pair
from jobs.testing.scene import Scene, scene
from jobs.testing.warming import warm_up

ROLES = ("caller", "worker", "relay")
MOST_BROKEN = 25  # runs: what is broken so often is broken, and every further run may take its time


def crash_sweep(  # noqa: PLR0913 - each is a keyword, and all but the payload have defaults
    task: type[IdempotentTask] | IdempotentTask,
    *,
    payload: Mapping[str, Any] | Callable[[int], Mapping[str, Any]],
    enqueue: Callable[[Mapping[str, Any]], object] | None = None,
    effects: Callable[[Mapping[str, Any]], int] | None = None,
    check: Callable[[Mapping[str, Any]], object] | None = None,
    queues: Sequence[str] = (),
    allow_unknown: bool | None = None,
    roles: Sequence[str] = ROLES,
    pairs: bool | int = True,
    seed: int = 0,
    also: Sequence[str] = (),
    only: str | None = None,
    progress: bool | None = None,
) -> Sweep:
    """Run a registered task with its processes really dying; this module says how, and has an example.

    Args:
        payload: of run number n, with a key of its own; it may create what the job needs, and commits it. A plain
            mapping will do for a task whose `dedupe_key` is None.
        enqueue: what the caller does with it inside its transaction; by default `task.enqueue(**payload)`.
        effects: how often the effect outside happened for this payload, asked of the outside: 1 after one success.
        check: whatever else must be true after a run of this payload; raises AssertionError where it is not.
        queues: that the workers serve; by default the task's own. Jobs in other queues stay where they are.
        allow_unknown: whether a job may end as `unknown_outcome`; by default, if it has an `external_effect`.
        roles, also: whose deaths; dotted names of functions that are boundaries, too.
        pairs, seed: all of them, none, or so many of them, drawn with the seed.
        only, progress: one run, as a violation names it; whether to show a bar, by default on a terminal.

    Returns what was run. Raises CrashSweepFailed, an AssertionError with every violation, or CrashSweepError.
    """
    known = _registered(task)
    plan = Plan(known, _payloads(known, payload), enqueue, effects, check, allow_unknown, tuple(also))
    warm_up(known)
    with scene(tuple(queues) or (known.queue,)) as stage:
        sweeper = _Sweeper(plan, stage, Progress(known.name, shown=progress))
        return _passed(sweeper.sweep(tuple(roles), pairs=pairs, seed=seed, only=only))


def _passed(swept: Sweep) -> Sweep:
    if swept.violations:
        raise CrashSweepFailed(swept)
    return swept


class _Sweeper:
    """Runs everything that was asked for, one run after the other."""

    def __init__(self, plan: Plan, stage: Scene, progress: Progress) -> None:
        self._plan, self._scene, self._progress = plan, stage, progress
        self._numbers = itertools.count()
        self._boundaries: dict[str, tuple[Boundary, ...]] = {}
        self._lives: list[int] = []  # how many boundaries each worker of an undisturbed run came to
        self._violations: list[Violation] = []
        self._broken = self._done = self._expected = 0

    def sweep(self, roles: tuple[str, ...], *, pairs: bool | int, seed: int, only: str | None) -> Sweep:
        began = time.monotonic()
        self._enumerate(roles)
        spots, possible = self._deaths(roles), 0
        if only is not None:
            spots, pairs = [self._known(Spot.parse(only))], False
        self._expected = len(spots) + (self._lives[0] ** 2 if pairs is True else int(pairs))
        for spot in spots:
            self._run(spot)
        deaths = self._done
        if pairs is True or pairs >= self._lives[0] ** 2:
            self._all_pairs()
        elif pairs:
            possible = self._some_pairs(pairs, random.Random(seed))  # noqa: S311 - drawn so that it can be drawn again
        self._progress.end()
        return Sweep(
            task=self._plan.task.name,
            boundaries=self._boundaries,
            deaths=deaths,
            pairs=self._done - deaths,
            pairs_possible=possible,
            seed=seed,
            seconds=time.monotonic() - began,
            complete=not self._given_up,
            violations=tuple(self._violations),
        )

    @property
    def _given_up(self) -> bool:
        return self._broken >= MOST_BROKEN

    # -- what there is ------------------------------------------------------------------------------------------------

    def _enumerate(self, roles: tuple[str, ...]) -> None:
        """An undisturbed run, which must end well: else every other one would tell of the same fault."""
        with closing(self._new_run()) as run:
            caller = run.ask_and_die(None)
            run.drain({})
            _demand_good_end(run)
            self._lives = [len(life.boundaries()) for life in run.lives]
            self._boundaries["caller"] = caller.boundaries()
            self._boundaries["worker"] = tuple(b for life in run.lives for b in life.boundaries())
        if "relay" in roles:
            with closing(self._new_run()) as run:
                self._boundaries["relay"] = boundaries_of_relay(run, self._after_claim())

    def _after_claim(self) -> Fate:
        statements = (Kind.SQL, Kind.SQL_AND_COMMIT)
        return next(Fate(n, "after") for n, b in enumerate(self._boundaries["worker"], 1) if b.kind in statements)

    def _deaths(self, roles: tuple[str, ...]) -> list[Spot]:
        return [
            Spot(role, number, phase)
            for role in roles
            for number in range(1, len(self._boundaries[role]) + 1)
            for phase in PHASES
        ]

    def _known(self, spot: Spot) -> Spot:
        there = self._boundaries.get("worker" if spot.role == "pair" else spot.role, ())
        if not 0 < spot.number <= len(there):
            raise CrashSweepError(f"only={str(spot)!r} names no run: there are {len(there)} boundaries.")
        return spot

    def _all_pairs(self) -> None:
        """The second worker's boundaries depend on where the first is stopped, so they are found by going there."""
        for first in range(1, self._lives[0] + 1):
            for second in itertools.count(1):
                if not self._run(Spot("pair", first, second=second)):
                    break

    def _some_pairs(self, count: int, draw: random.Random) -> int:
        span = range(1, self._lives[0] + 1)
        every = list(itertools.product(span, span))
        for first, second in draw.sample(every, min(count, len(every))):
            self._run(Spot("pair", first, second=second))
        return len(every)

    # -- one run ------------------------------------------------------------------------------------------------------

    def _new_run(self) -> Run:
        return Run(self._plan, self._scene, next(self._numbers))

    def _run(self, spot: Spot) -> bool:
        """Run it and keep its violations; returns whether a pair's second worker was stopped."""
        if self._given_up:
            return False
        stopped, says = self._fates(spot)
        self._violations += [Violation(str(spot), self._where(spot), sentence) for sentence in says]
        self._broken += bool(says)
        self._done += 1
        self._progress.at(self._done, self._expected, len(self._violations))
        return stopped

    def _fates(self, spot: Spot) -> tuple[bool, list[str]]:
        with closing(self._new_run()) as run:
            try:
                return self._let_happen(run, spot), run.judge()
            except CrashSweepError:
                raise
            except Exception as error:  # noqa: BLE001 - what the run has led to, and so a violation
                return False, [f"The caller or the relay met {type(error).__name__}: {error}."]

    def _let_happen(self, run: Run, spot: Spot) -> bool:
        match spot.role:
            case "pair":
                return pair(run, spot.number, spot.second)
            case "caller":
                dying_caller(run, self._expect(spot))
            case "worker":
                dying_worker(run, self._expect(spot))
            case "relay":
                dying_relay(run, self._expect(spot), self._after_claim())
        return False

    def _expect(self, spot: Spot) -> Expected:
        number, life = spot.number, 1
        while spot.role == "worker" and number > self._lives[life - 1]:
            number -= self._lives[life - 1]
            life += 1
        return Expected(self._boundaries[spot.role][spot.number - 1], Fate(number, spot.phase), life)

    def _where(self, spot: Spot) -> str:
        boundary = self._boundaries["worker" if spot.role == "pair" else spot.role][spot.number - 1]
        if spot.role != "pair":
            return f"{spot.role} killed {spot.phase} {boundary}"
        return f"worker frozen before {boundary}, another stopped before its boundary {spot.second}"


def _demand_good_end(run: Run) -> None:
    if not run.jobs():
        raise CrashSweepError(
            f"An undisturbed run made no job of {dict(run.payload)}. Does an earlier job hold its key? "
            "Give each run, and each sweep of a test, keys of its own."
        )
    says = run.judge()
    if says:
        errors = [f"{job.task}: {job.error or e}" for job in run.jobs() for e in (job.errors or [""]) if job.error or e]
        raise CrashSweepError(
            "An undisturbed run does not end well, so there is nothing to sweep yet. "
            + " ".join(dict.fromkeys([*says, *errors]))
        )


def _registered(task: type[IdempotentTask] | IdempotentTask) -> type[IdempotentTask]:
    cls = task if isinstance(task, type) else type(task)
    if cls not in registered().values():
        raise CrashSweepError(
            f"{task!r} is no registered task. Put it into tasks.py of an installed app, or import its module first."
        )
    return cls


def _payloads(
    task: type[IdempotentTask], payload: Mapping[str, Any] | Callable[[int], Mapping[str, Any]]
) -> Callable[[int], Mapping[str, Any]]:
    if callable(payload):
        return payload
    if task.dedupe_key is not None:
        raise CrashSweepError(
            f"{task.name} has a dedupe_key, so one payload is one job for ever. "
            "Give payload as a function of the run's number, with a key of its own for each."
        )
    return lambda _number: payload
