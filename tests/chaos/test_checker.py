"""The judge finds each violation that is planted into an innocent history, and nothing in the innocent one."""

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tests.chaos.checker import CHECKS, judge
from tests.chaos.history import Attempt, Call, History, Record, read_calls
from tests.chaos.recovery import Landed, recoveries, summary
from tests.chaos.report import Figures, Report
from tests.chaos.ticking import Ticking

END = datetime(2026, 1, 1, tzinfo=UTC)
BOOKED, CHARGE, MAIL, STEPS, TICKED = (
    f"tests.app.chaos.{name}" for name in ("Booked", "Charge", "Mail", "TwoSteps", "Ticked")
)

TICKING = Ticking(END, END + timedelta(seconds=1), END + timedelta(seconds=2))
TICKS = sorted(TICKING.must)


def done(id_: str, task: str, name: str, **changed: object) -> Record:
    return replace(Record(id_, task, name, "succeeded", finished_at=END), **changed)


def innocent() -> History:
    """One of everything that may happen, as it should."""
    return History(
        calls=[
            Call(BOOKED, "b", "ok", handle="1", created=True),
            Call(BOOKED, "b", "ok", handle="1"),  # asked again, answered with the first
            Call(CHARGE, "c", "info"),  # its commit was done, and nobody was told
            Call(CHARGE, "undone", "info"),  # this one's was not
            Call(CHARGE, "rolled back", "fail", undo=True),
            Call(MAIL, "m", "ok", handle="3", created=True),
            Call(STEPS, "s", "ok", handle="4", created=True),
        ],
        records=[
            done("1", BOOKED, "b", token=2, attempt=2),
            done("2", CHARGE, "c"),
            done("3", MAIL, "m", state="dead_lettered", reason="unknown_outcome"),
            done("4", STEPS, "s"),
            *(done(name, TICKED, name) for name in TICKS),
        ],
        attempts=[Attempt("1", 1, "reap"), Attempt("3", 1, "dead_letter")],
        effects=Counter({"c": 1, "m": 1, "s:first": 1, "s:second": 1}),
        rows=Counter(
            {"booked b": 1, f"order {BOOKED} b": 1, f"order {CHARGE} c": 1, f"order {MAIL} m": 1, f"order {STEPS} s": 1}
            | {f"ticked {name}": 1 for name in TICKS}
        ),
        ticking=TICKING,
    )


def without(history: History, id_: str) -> History:
    return replace(history, records=[record for record in history.records if record.id != id_])


def altered(history: History, id_: str, **changed: object) -> History:
    return replace(history, records=[replace(r, **changed) if r.id == id_ else r for r in history.records])


def more(history: History, **what: object) -> History:
    """The history with one more of these."""
    added = {
        name: getattr(history, name) + (Counter({value: 1}) if isinstance(value, str) else [value])
        for name, value in what.items()
    }
    return replace(history, **added)


PLANTED: dict[str, list[Callable[[History], History]]] = {
    "lost": [
        lambda h: without(h, "1"),
        lambda h: altered(h, "1", state="queued", finished_at=None),
        lambda h: altered(h, "4", state="processing", finished_at=None),
    ],
    "unfinished": [lambda h: altered(h, "2", state="queued", finished_at=None)],
    "phantom": [
        lambda h: more(h, records=done("9", CHARGE, "rolled back")),
        lambda h: more(h, records=done("9", CHARGE, "never asked for")),
        lambda h: more(h, records=done("9", CHARGE, "f"), calls=Call(CHARGE, "f", "fail")),
    ],
    "duplicate_effects": [
        lambda h: more(h, effects="c"),
        lambda h: more(h, effects="m"),
        lambda h: more(h, effects="s:second"),
        lambda h: more(h, rows="booked b"),
    ],
    "missing_effects": [
        lambda h: replace(h, effects=h.effects - Counter(["c"])),
        lambda h: replace(h, effects=h.effects - Counter(["s:second"])),
        lambda h: replace(h, rows=h.rows - Counter(["booked b"])),
        lambda h: replace(h, rows=h.rows - Counter([f"ticked {TICKS[0]}"])),
        lambda h: altered(replace(h, effects=h.effects - Counter(["m"])), "3", state="succeeded", reason=None),
    ],
    "unfounded_effects": [
        lambda h: more(h, effects="undone"),
        lambda h: more(h, effects="rolled back"),
        lambda h: altered(h, "2", state="failed_permanent", reason="permanent"),
        lambda h: more(h, rows="booked z"),
        lambda h: altered(h, "1", state="dead_lettered", reason="attempts_exhausted"),
    ],
    "two_handles": [
        lambda h: more(h, records=done("9", BOOKED, "b")),
        lambda h: more(h, records=done("9", TICKED, TICKS[0])),
        lambda h: more(h, calls=Call(BOOKED, "b", "ok", handle="9")),
        lambda h: more(h, calls=Call(BOOKED, "b", "ok", handle="1", created=True)),
    ],
    "torn_transactions": [
        lambda h: more(h, rows=f"order {CHARGE} undone"),
        lambda h: replace(h, rows=h.rows - Counter([f"order {CHARGE} c"])),
    ],
    "illegal_records": [
        lambda h: more(h, attempts=Attempt("1", 2, "retry")),
        lambda h: more(h, attempts=Attempt("1", 1, "reap")),
        lambda h: more(h, attempts=Attempt("1", 7, "reap")),
        lambda h: more(h, attempts=Attempt("9", 1, "reap")),
        lambda h: more(h, attempts=Attempt("2", 1, "succeed")),
        lambda h: altered(h, "2", attempt=21, token=30),
        lambda h: altered(h, "2", attempt=2),
        lambda h: altered(h, "2", attempt=0, token=0),
        lambda h: altered(h, "2", finished_at=None),
        lambda h: altered(h, "1", state="dead_lettered", reason="unknown_outcome"),
    ],
    "unbalanced": [
        lambda h: without(without(h, "1"), "4"),
        lambda h: more(more(h, records=done("8", CHARGE, "x")), records=done("9", CHARGE, "y")),
    ],
    "missed_ticks": [lambda h: without(h, TICKS[0]), lambda h: without(h, TICKS[-1])],
    "unplanned_ticks": [
        lambda h: more(h, records=done("9", TICKED, f"ticker 1 {(END + timedelta(seconds=3)).isoformat()}")),
        lambda h: more(h, records=done("9", TICKED, f"ticker 9 {END.isoformat()}")),
    ],
}


def test_nothing_is_found_in_an_innocent_history() -> None:
    verdict = judge(innocent())
    assert verdict.violations == {}
    assert (verdict.acknowledged, verdict.calls, verdict.unknown, verdict.unknown_done) == (3, 7, 2, 1)
    assert verdict.ends == {"dead_lettered/unknown_outcome": 1, "succeeded": 3 + len(TICKS)}


def test_every_check_has_planted_violations() -> None:
    assert set(PLANTED) == {check.__name__ for check in CHECKS}


@pytest.mark.parametrize(
    ("check", "number"), [(check, n) for check, plants in PLANTED.items() for n in range(len(plants))]
)
def test_a_planted_violation_is_found(check: str, number: int) -> None:
    assert judge(PLANTED[check][number](innocent())).violations.get(check)


def test_a_call_that_was_never_answered_is_neither_done_nor_undone(tmp_path) -> None:
    history = tmp_path / "ann.history"
    lines = [
        {"n": 1, "op": "invoke", "task": MAIL, "name": "m", "undo": False},
        {"n": 1, "op": "ok", "id": "3", "created": True},
        {"n": 2, "op": "invoke", "task": MAIL, "name": "n", "undo": False},
    ]
    history.write_text("\n".join(map(json.dumps, lines)) + '\n{"n": 2, "op": "o')  # killed while it wrote
    assert [(call.name, call.answer, call.handle) for call in read_calls(history)] == [
        ("m", "ok", "3"),
        ("n", "info", ""),
    ]


KILL = Landed("w1:0", "kill_worker_child", "w1", "", 10.0, 14.0, victims=["a", "b"])


def of_the_kill(*others: Landed, kill: Landed = KILL, ends: dict[str, float] | None = None) -> float | None:
    return recoveries([kill, *others], {"a": 25.0} if ends is None else ends, ["w1", "w2"])[kill.name]


def test_recovery_counts_from_the_hit_where_others_can_do_the_work_and_else_from_the_healing() -> None:
    ends = {"a": 11.0, "b": 15.0}
    assert of_the_kill(ends=ends) == 5.0
    assert of_the_kill(kill=replace(KILL, others_go_on=False), ends=ends) == 1.0
    assert of_the_kill(ends={}) is None


def test_a_later_fault_on_the_same_job_starts_its_clock_anew() -> None:
    again = Landed("w2:0", "kill_worker_child", "w2", "", 20.0, 20.0, victims=["a"])
    assert of_the_kill(again) == 5.0
    assert of_the_kill(replace(again, victims=["z"])) == 15.0
    assert of_the_kill(again, ends={"a": 25.0, "b": 19.0}) == 9.0


def test_the_clock_stands_while_nobody_can_work() -> None:
    away = Landed("database:0", "postgres_immediate", "database", "", 15.0, 18.0, others_go_on=False, for_all=True)
    assert of_the_kill(away) == 7.0
    assert of_the_kill(replace(away, hit_at=26.0, healed_at=27.0)) == 15.0
    other_worker = Landed("w2:0", "netns_cut", "w2", "", 12.0, 17.0)
    assert of_the_kill(other_worker) == 11.0, "both were hurt until the first was healed"
    assert of_the_kill(replace(other_worker, target="relay")) == 15.0


def test_a_summary_of_recoveries_names_the_median_and_the_longest() -> None:
    assert summary([1.0, 2.0, 9.0]) == {"p50": 2.0, "p99": 8.86, "longest": 9.0}


GOOD = Figures(landed={"kill_worker_child": 30}, acknowledged=100, windows=1, recoveries=[1.0])


@pytest.mark.parametrize(
    ("figures", "complete", "verdict"),
    [
        (GOOD, True, "passed"),
        (GOOD, False, "UNKNOWN"),
        (replace(GOOD, landed={}), True, "UNKNOWN"),
        (replace(GOOD, acknowledged=0), True, "UNKNOWN"),
        (replace(GOOD, recoveries=[13.0]), True, "violated"),
        (replace(GOOD, violations={"lost": ["job 1"]}), False, "violated"),
    ],
)
def test_a_run_passes_only_with_landed_faults_and_acknowledged_jobs(figures, complete, verdict) -> None:
    report = Report(1, "redis", 30, [figures], complete=complete)
    assert report.verdict == verdict


def test_the_sessions_of_a_resumed_run_add_up() -> None:
    told = Report(1, "redis", 60, [GOOD, replace(GOOD, landed={"stop_child": 5, "kill_worker_child": 1})]).as_dict()
    assert told["landed"] == {"kill_worker_child": 31, "stop_child": 5}
    assert (told["landed_total"], told["acknowledged"], told["bound_per_fault"]) == (36, 200, 0.08333)
