"""Grafana's own schema, as its makers publish it, knows every word of our dashboards.

No package registry has Grafana itself, so nobody looks at them here: how to is in docs/observing.md.
"""

import json

import pytest
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models import units
from grafana_foundation_sdk.models.dashboard import Dashboard

from jobs.metrics import dashboards

# Read by Grafana and by its Prometheus plugin, and left out of the schema.
UNNAMED = {"step", "titleFormat", "definition"}
BOARDS = {name: json.loads(text) for name, text in dashboards.files().items()}
of_board = pytest.mark.parametrize("name", BOARDS)


def unknown(said, understood, where=""):
    """What is not there any more when the schema has read it."""
    if isinstance(said, dict):
        for key, value in said.items():
            if key not in understood:
                yield f"{where}.{key}"
            else:
                yield from unknown(value, understood[key], f"{where}.{key}")
    elif isinstance(said, list):
        for number, (value, other) in enumerate(zip(said, understood, strict=True)):
            yield from unknown(value, other, f"{where}[{number}]")
    elif said != understood:
        yield f"{where}: {said!r}"


def read_by_grafana(board):
    register_default_plugins()
    return json.loads(JSONEncoder().encode(Dashboard.from_json(board)))


@of_board
def test_grafanas_schema_knows_all_that_a_dashboard_says(name):
    found = unknown(BOARDS[name], read_by_grafana(BOARDS[name]))
    assert [where for where in found if where.rpartition(".")[2] not in UNNAMED] == []


def test_a_word_that_the_schema_lacks_is_found():
    board = json.loads(dashboards.files()["jobs-tasks.json"])
    panel = next(p for p in board["panels"] if p["type"] == "timeseries")
    panel["fieldConfig"]["defaults"]["custom"]["stackings"] = {"mode": "normal"}
    panel["options"]["tooltip"]["modes"] = "multi"
    found = {where.rpartition(".")[2] for where in unknown(board, read_by_grafana(board))} - UNNAMED
    assert found == {"stackings", "modes"}


@of_board
def test_grafana_knows_every_unit(name):
    known = {value for value in vars(units).values() if isinstance(value, str)}
    used = {p["fieldConfig"]["defaults"]["unit"] for p in BOARDS[name]["panels"] if p["type"] != "row"}
    assert used <= known
