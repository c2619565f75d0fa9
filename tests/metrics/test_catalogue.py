"""One catalogue: no rule, panel or page names a metric or a label that it lacks, and what is generated is not stale."""

import json
import re

import promql_parser
import pytest

from config.settings import JOBS_QUEUES as PROJECTS_QUEUES
from jobs.cli.metrics import files
from jobs.metrics import catalogue
from jobs.metrics.alerts import alerts
from jobs.metrics.catalogue import METRICS, PROMETHEUS_ADDS
from jobs.metrics.entries import Kind
from jobs.metrics.expressions import Series
from jobs.metrics.samples import sample
from tests.processes import ROOT

BOARDS = {name: json.loads(text) for name, text in files().items() if name.endswith(".json")}
PANELS = [(name, panel) for name, board in BOARDS.items() for panel in board["panels"] if panel["type"] != "row"]
OF_PROMETHEUS = {"ALERTS": {"alertname", "alertstate", "severity"}}


def expressions():
    for alert in alerts():
        yield alert.name, alert.when.promql()
    for name, board in BOARDS.items():
        for mark in board["annotations"]["list"]:
            yield f"{name} {mark['name']}", mark["expr"]
    for name, panel in PANELS:
        for target in panel["targets"]:
            yield f"{name} {panel['title']}", target["expr"]


def selectors(node):
    """Every selector of a parsed expression, with the labels that are asked of what is above it."""
    if isinstance(node, promql_parser.VectorSelector):
        yield node
        return
    for child in ("expr", "lhs", "rhs", "param"):
        if (inner := getattr(node, child, None)) is not None and not isinstance(inner, (str, int, float)):
            yield from selectors(inner)
    for inner in getattr(node, "args", None) or ():
        yield from selectors(inner)
    if isinstance(node, promql_parser.MatrixSelector):
        yield from selectors(node.vector_selector)


def groupings(node):
    if isinstance(node, promql_parser.AggregateExpr) and node.modifier:
        yield set(node.modifier.labels), node.expr
    for child in ("expr", "lhs", "rhs"):
        if (inner := getattr(node, child, None)) is not None:
            yield from groupings(inner)
    for inner in getattr(node, "args", None) or ():
        yield from groupings(inner)


def unknown(promql):
    """What an expression names and the catalogue lacks."""
    tree = promql_parser.parse(promql)
    found = list(selectors(tree))
    wrong = [name for s in found if (name := s.name) and name not in OF_PROMETHEUS and not known(name)]
    for selector in found:
        allowed = labels_of(selector.name)
        wrong += [f"{selector.name}.{m.name}" for m in selector.matchers.matchers if m.name not in allowed]
    for labels, inner in groupings(tree):
        for selector in selectors(inner):
            wrong += [f"{selector.name} by {label}" for label in labels - labels_of(selector.name)]
    return wrong


def known(name):
    try:
        return catalogue.series(name)
    except KeyError:
        return None


def labels_of(name):
    entry = known(name)
    return OF_PROMETHEUS.get(name, set()) | (set(entry.labels) | set(PROMETHEUS_ADDS) if entry else set())


@pytest.mark.parametrize(("where", "promql"), list(expressions()))
def test_no_expression_names_what_the_catalogue_lacks(where, promql):
    shown = re.sub(r"\$(queue|vendor|task)", ".*", promql)
    assert unknown(shown) == []
    assert list(selectors(promql_parser.parse(shown))) or promql == "vector(1)"


@pytest.mark.parametrize(
    "promql",
    [
        "jobs_no_such_metric > 1",
        'max by (queue) (jobs_queue_depth{status="ready"})',
        "sum by (task) (jobs_queue_depth)",
        "rate(jobs_queue_wait_seconds[5m])",
        "max by (vendor) (rate(jobs_given_up_total[1h]))",
        "jobs_queue_depth > 1 and jobs_no_such_metric",
    ],
)
def test_a_name_that_the_catalogue_lacks_is_found(promql):
    assert unknown(promql)


@pytest.mark.parametrize("name", files())
def test_what_is_generated_is_not_stale(name, settings):
    """Run `python manage.py jobs metrics --write .` when this fails."""
    told = (ROOT / name).read_text()
    settings.JOBS_QUEUES = PROJECTS_QUEUES
    assert told == files()[name]


def test_metrics_are_named_as_prometheus_wants_them():
    assert len(catalogue.BY_NAME) == len(METRICS)
    for metric in METRICS:
        assert metric.name.startswith(("jobs_", "messaging_"))
        assert (metric.kind is Kind.COUNTER) == metric.name.endswith("_total")
        assert bool(metric.buckets) == (metric.kind is Kind.HISTOGRAM)
        assert not set(metric.labels) & set(PROMETHEUS_ADDS), "Prometheus has these labels for itself"
        assert metric.help.endswith(".")


def test_a_sample_with_a_label_or_a_value_that_is_not_declared_is_refused():
    with pytest.raises(KeyError, match="no metric"):
        sample("jobs_dept", 1)
    with pytest.raises(ValueError, match="labels"):
        sample("jobs_queue_depth", 1, queue="default")
    with pytest.raises(ValueError, match="state is 'asleep'"):
        sample("jobs_queue_depth", 1, queue="default", state="asleep")
    with pytest.raises(ValueError, match="queue is 'nowhere'"):
        sample("jobs_queue_depth", 1, queue="nowhere", state="ready")
    with pytest.raises(ValueError, match="no label task"):
        Series("jobs_queue_depth", (("task", "t"),))


@pytest.mark.parametrize(("board", "panel"), PANELS, ids=[f"{b} {p['title']}" for b, p in PANELS])
def test_every_panel_has_a_unit_a_description_and_no_source_of_its_own(board, panel):
    assert panel["fieldConfig"]["defaults"]["unit"]
    assert panel["description"].endswith(".")
    assert panel["type"] in {"stat", "timeseries", "heatmap", "state-timeline", "table"}
    assert panel["datasource"]["uid"] == "${datasource}"
    assert all(t["datasource"]["uid"] == "${datasource}" for t in panel["targets"])


@pytest.mark.parametrize("board", BOARDS)
def test_a_dashboard_lets_people_choose_what_its_panels_ask_for_and_nothing_else(board):
    offered = {v["name"] for v in BOARDS[board]["templating"]["list"]} - {"datasource"}
    asked = [t["expr"] for name, panel in PANELS if name == board for t in panel["targets"]]
    assert offered == set(re.findall(r"\$(\w+)", " ".join(asked)))


def test_every_dashboard_shows_deploys_and_no_panel_covers_another():
    for board in BOARDS.values():
        assert "Deploys" in {mark["name"] for mark in board["annotations"]["list"]}
        covered = [
            (x, y)
            for panel in board["panels"]
            for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
            for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
        ]
        assert len(covered) == len(set(covered))


def test_what_was_asked_for_is_drawn():
    drawn = " ".join(promql for _, promql in expressions())
    for name in ("jobs_queue_depth", "jobs_waiting_age_seconds", "jobs_success_ratio", "jobs_retry_ratio",
                 "jobs_dead_letters", "jobs_vendor_latency_seconds", "jobs_worker_saturation_ratio"):  # fmt: skip
        assert name in drawn
