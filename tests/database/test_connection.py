"""The connection of our own beside Django's takes the project's database options, whatever they name."""

from django.db import connections

from idempotency.connection import connect


def test_a_project_that_names_its_connections_keeps_its_name_and_we_keep_ours(db, monkeypatch):
    monkeypatch.setitem(connections["default"].settings_dict["OPTIONS"], "application_name", "shop")
    with connect("jobs test") as connection:
        assert connection.execute("SHOW application_name").fetchone() == ("jobs test",)
