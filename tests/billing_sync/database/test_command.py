import csv
import io
import json
from datetime import UTC, datetime

import pytest
from django.core.management import CommandError, call_command

from billing_sync.importing import watching
from billing_sync.models import Import
from billing_sync.sample import write_sample
from idempotency.models import Record
from tests.billing_sync.files import csv_file, line
from tests.billing_sync.importing import import_file, worked_off

pytestmark = pytest.mark.django_db


def run(path, *options):
    out = io.StringIO()
    call_command("import_invoices", str(path), *options, stdout=out)
    return out.getvalue()


def imported(path):
    import_file(path)
    return path


def test_without_waiting_it_returns_once_the_file_is_staged(tmp_path):
    told = json.loads(run(csv_file(tmp_path / "a.csv", line()), "--no-wait", "--json"))
    assert (told["state"], told["lines"], told["invoices"], told["new"]) == ("staged", 1, 0, True)


def test_what_is_only_staged_is_not_reported_as_imported(tmp_path):
    text = run(csv_file(tmp_path / "a.csv", line()), "--no-wait")
    assert "1 lines are staged, 0 of them imported" in text
    assert "invoices of which" not in text


def test_a_file_that_is_there_already_is_reported_and_adds_nothing(tmp_path, capsys):
    path = imported(csv_file(tmp_path / "a.csv", line(), line("C2"), line("3", CustomerID="")))
    told = json.loads(run(path, "--json"))
    assert told["new"] is False
    assert (told["lines"], told["invoices"], told["credit_notes"]) == (3, 3, 1)
    assert (told["rejected"], told["rejected_credit_notes"], told["enqueued"], told["unaccounted"]) == (1, 0, 2, 0)
    assert "Nothing is added" in capsys.readouterr().err


def test_the_report_names_every_end_with_what_to_do(tmp_path):
    path = imported(csv_file(tmp_path / "a.csv", line(), line("2", CustomerID=""), line("3", InvoiceDate="[/red]")))
    text = run(path)
    assert "3 lines, 3 invoices of which 0 credit notes; 1 to be synced, 2 rejected." in text
    for expected in ("missing_customer", "bad_date", "Say which customer", "[/red]"):
        assert expected in text


def test_a_sample_is_accounted_for_to_the_last_line(tmp_path):
    path = tmp_path / "sample.csv.gz"
    planted = write_sample(path, invoices=400, seed=2)
    told = json.loads(run(imported(path), "--json"))
    assert {name: told[name] for name in ("lines", "invoices", "credit_notes", "unaccounted")} == {
        "lines": planted["lines"],
        "invoices": 400,
        "credit_notes": planted["credit_notes"],
        "unaccounted": 0,
    }
    refused = {name: planted[name] for name in ("missing_customer", "bad_number", "bad_date")}
    assert told["outcomes"]["invoices"] == refused | {"new": 400 - sum(refused.values())}


def test_all_refused_lines_can_be_written_to_a_file(tmp_path):
    path = imported(csv_file(tmp_path / "a.csv", *(line(str(number), UnitPrice="x,y") for number in range(1, 40))))
    run(path, "--rejects", str(tmp_path / "rejects.csv"))
    with (tmp_path / "rejects.csv").open(newline="") as file:
        found = list(csv.reader(file))
    assert found[0] == ["line", "invoice_no", "column", "reason", "value"]
    assert [row[0] for row in found[1:]] == [str(number) for number in range(2, 41)]


WRONG = {
    "no such file": ((), "No such file or directory. Name a file that this user may read"),
    "rejects before the end": (("--no-wait", "--rejects", "x.csv"), "--rejects needs the finished import"),
}


@pytest.mark.parametrize(("options", "message"), WRONG.values(), ids=WRONG)
def test_what_was_asked_wrongly_is_one_clear_error(tmp_path, options, message):
    with pytest.raises(CommandError, match=message):
        run(tmp_path / "nothing.csv", *options)


def test_rejects_that_cannot_be_written_do_not_lose_the_import(tmp_path):
    path = imported(csv_file(tmp_path / "a.csv", line()))
    with pytest.raises(CommandError, match="The import is done"):
        run(path, "--rejects", str(tmp_path / "no-directory" / "rejects.csv"))


def test_whoever_waits_hears_that_no_worker_is_there_and_waits_on(tmp_path, monkeypatch):
    monkeypatch.setattr(watching, "PATIENCE", 0)
    call_command("import_invoices", str(csv_file(tmp_path / "a.csv", line())), "--no-wait", stdout=io.StringIO())
    held, warnings, progress = Import.objects.get(), [], []

    def warn(text):
        warnings.append(text)
        worked_off(held)

    watching.wait_until_done(held, progress.append, warn)
    assert "-Q bulk-import" in warnings[0]
    assert (len(warnings), held.state, progress[-1]) == (1, "done", 1)


def test_whoever_waits_hears_that_the_job_was_given_up(tmp_path):
    call_command("import_invoices", str(csv_file(tmp_path / "a.csv", line())), "--no-wait", stdout=io.StringIO())
    held = Import.objects.get()
    given_up = {"state": "failed_permanent", "reason": "cancelled", "finished_at": datetime.now(UTC), "line": None}
    Record.objects.filter(pk=held.job_id).update(**given_up)
    with pytest.raises(watching.ImportFailedError, match=f"jobs why {held.job_id}"):
        watching.wait_until_done(held, lambda _: None, lambda _: None)


def test_a_sample_is_described_as_it_is_written(tmp_path):
    out = io.StringIO()
    call_command("sample_invoices", str(tmp_path / "s.csv"), "--invoices", "20", "--json", stdout=out)
    assert json.loads(out.getvalue())["invoices"] == 20
    for wrong in (("--invoices", "0"), ()):
        with pytest.raises(CommandError):
            call_command("sample_invoices", str(tmp_path / "no-directory" / "s.csv"), *wrong, stdout=out)
