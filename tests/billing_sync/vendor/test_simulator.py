import json
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from billing_sync.vendor_simulator.ledger import Document, LedgerError, effects
from tests.billing_sync.simulators import document


@pytest.fixture
def client(calm, api_key):
    with calm.client(api_key) as client:
        yield client


@pytest.fixture
def effects_of(calm):
    """`effects_of("17850-1")`: the vendor's own count, by revision."""
    return lambda external_id: {d.revision: n for d, n in calm.effects().items() if d.external_id == external_id}


def post(client, body, key=None, path="/v1/invoices"):
    return client.post(path, json=body, headers={"Idempotency-Key": key} if key else {})


def test_the_same_key_and_body_get_the_first_answer_and_have_one_effect(client, effects_of):
    first, again = (post(client, document("same"), "key-same") for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"
    assert effects_of("same") == {1: 1}


def test_the_same_key_with_another_body_is_refused_and_has_no_effect(client, effects_of):
    post(client, document("kept"), "key-kept")
    answer = post(client, document("kept", currency="EUR"), "key-kept")
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "idempotency_key_reused")
    assert effects_of("kept") == {1: 1}


def test_the_order_of_a_bodys_fields_makes_no_other_body(client):
    post(client, document("order"), "key-order")
    turned = dict(reversed(document("order").items()))
    assert post(client, turned, "key-order").headers["Idempotent-Replayed"] == "true"


def test_another_key_for_the_same_document_is_a_second_effect_that_is_counted(client, calm, effects_of):
    before = calm.told("/v1/ledger/summary")
    first, second = (post(client, document("twice"), key) for key in ("key-1", "key-2"))
    assert first.json()["id"] != second.json()["id"]
    assert effects_of("twice") == {1: 2}
    after = calm.told("/v1/ledger/summary")
    assert {name: after[name] - before[name] for name in ("effects", "documents", "duplicates")} == {
        "effects": 2,
        "documents": 1,
        "duplicates": 1,
    }


def test_without_a_key_every_request_is_an_effect(client, effects_of):
    for _ in range(3):
        post(client, document("keyless"))
    assert effects_of("keyless") == {1: 3}


def test_requests_with_one_key_at_the_same_moment_have_one_effect(calm, api_key, effects_of):
    def ask(_):
        with calm.client(api_key) as client:
            return post(client, document("rush"), "key-rush").json()["id"]

    with ThreadPoolExecutor(16) as people:
        assert len(set(people.map(ask, range(32)))) == 1
    assert effects_of("rush") == {1: 1}


def test_documents_are_found_by_the_clients_own_id_and_revision(client):
    ids = [post(client, document("found", revision), f"found-{revision}").json()["id"] for revision in (1, 2)]

    def found(**query):
        return [held["id"] for held in client.get("/v1/invoices", params=query).json()["data"]]

    assert found(external_id="found") == ids
    assert found(external_id="found", revision=2) == ids[1:]
    assert found(external_id="found", revision=3) == []
    assert found(external_id="nothing like it") == []


def test_credit_notes_have_a_collection_of_their_own(client, calm):
    body = document("credit", kind="credit_note", total="-15.30", lines=[{"quantity": -6, "unit_price": "2.55"}])
    assert post(client, body, "key-credit").status_code == 422
    assert post(client, body, "key-credit", "/v1/credit-notes").status_code == 201
    assert client.get("/v1/invoices", params={"external_id": "credit"}).json() == {"data": []}
    assert calm.told("/v1/ledger/summary")["by_kind"]["credit_note"]["documents"] == 1


REFUSED = {
    "no external id": ({"external_id": ""}, "external_id"),
    "revision 0": ({"revision": 0}, "revision"),
    "a revision in words": ({"revision": "1"}, "revision"),
    "no currency": ({"currency": None}, "currency"),
    "another kind": ({"kind": "receipt"}, "kind"),
    "no lines": ({"lines": [], "total": "0"}, "total"),
    "a total that is not the sum": ({"total": "15.31"}, "total"),
    "a price that is no number": ({"lines": [{"quantity": 6, "unit_price": "x"}]}, "lines"),
}


@pytest.mark.parametrize(("changed", "field"), REFUSED.values(), ids=REFUSED)
def test_a_document_that_makes_no_sense_is_refused_with_the_fields_name(client, effects_of, changed, field):
    answer = post(client, document("refused", **changed), "key-refused")
    assert (answer.status_code, answer.json()["error"]["field"]) == (422, field)
    assert effects_of("refused") == {}


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff"])
def test_a_body_that_is_no_object_is_refused(client, body):
    assert client.post("/v1/invoices", content=body).status_code == 422


@pytest.mark.parametrize("query", [{}, {"external_id": "a", "revision": "x"}])
def test_a_look_up_that_makes_no_sense_is_refused(client, query):
    assert client.get("/v1/invoices", params=query).status_code == 400


@pytest.mark.parametrize("key", ["", "another"])
def test_a_wrong_api_key_is_refused_and_has_no_effect(calm, effects_of, key):
    with calm.client(key) as client:
        assert post(client, document("stranger"), "key-stranger").status_code == 401
    assert effects_of("stranger") == {}


def test_it_listens_on_the_loopback_address_alone(calm):
    port = int(calm.url.rpartition(":")[2])
    sockets = "".join(Path(f"/proc/net/{name}").read_text() for name in ("tcp", "tcp6"))
    listening = [entry.split() for entry in sockets.splitlines()]
    found = [entry[1] for entry in listening if entry[1].endswith(f":{port:04X}") and entry[3] == "0A"]
    assert found == [f"0100007F:{port:04X}"]


def test_what_was_answered_is_in_the_ledger_when_the_process_is_killed_the_next_moment(simulator):
    vendor = simulator()
    with vendor.client() as client:
        for number in range(20):
            post(client, document(f"kill-{number}"), f"key-{number}")
        vendor.program.signal(signal.SIGKILL)
    assert effects(vendor.ledger) == {Document("invoice", f"kill-{number}", 1): 1 for number in range(20)}


def test_a_ledger_is_continued_by_the_next_process_which_remembers_the_keys(simulator):
    vendor = simulator()
    with vendor.client() as client:
        first = post(client, document("again"), "key-again").json()
    assert vendor.program.stop() == 0
    vendor = simulator()
    with vendor.client() as client:
        assert post(client, document("again"), "key-again").json() == first
    assert sum(vendor.effects().values()) == 1


def test_a_file_that_is_no_ledger_is_named_and_left_alone(tmp_path, simulator_programs):
    path = tmp_path / "letter.txt"
    path.write_text("Dear vendor, " * 99)
    program = simulator_programs.manage("vendor_simulator", "--port", "0", "--ledger", str(path))
    assert program.wait_for_end() == 1
    assert "cannot be used as a ledger" in program.log()
    assert "Traceback" not in program.log()
    assert path.read_text().startswith("Dear vendor")
    with pytest.raises(LedgerError):
        effects(tmp_path / "nowhere.sqlite3")


def test_a_port_that_is_taken_is_named_with_a_remedy(calm, tmp_path, simulator_programs):
    port = calm.url.rpartition(":")[2]
    ledger = str(tmp_path / "ledger.sqlite3")
    program = simulator_programs.manage("vendor_simulator", "--port", port, "--ledger", ledger)
    assert program.wait_for_end() == 1
    assert f"Port {port} cannot be used" in program.log()
    assert "--port 0" in program.log()


class TestTheDescription:
    @pytest.fixture
    def described(self, calm):
        return calm.told("/openapi.json")

    def test_names_exactly_the_routes_that_there_are(self, described):
        from billing_sync.vendor_simulator.server import Conditions, Vendor

        application = Vendor(Conditions(ledger=Path()), None, None).application()
        routes = {(route.method.lower(), route.resource.canonical) for route in application.router.routes()}
        assert described["openapi"] == "3.1.0"
        assert {(method, path) for path, methods in described["paths"].items() for method in methods} == routes

    def test_has_no_reference_to_nowhere(self, described):
        def references(node):
            if isinstance(node, dict):
                yield from [node["$ref"]] if "$ref" in node else []
                node = list(node.values())
            if isinstance(node, list):
                for child in node:
                    yield from references(child)

        found = set(references(described))
        assert found
        for reference in found:
            node = described
            for name in reference.removeprefix("#/").split("/"):
                node = node[name]

    def test_asks_for_the_fields_that_the_vendor_demands(self, described, client):
        for field in described["components"]["schemas"]["NewDocument"]["required"]:
            body = {name: value for name, value in document("described").items() if name != field}
            assert post(client, body).status_code == 422, field

    def test_shows_documents_as_the_vendor_answers_them(self, described, client):
        schema = described["components"]["schemas"]["Document"]
        answer = post(client, document("shape"), "key-shape").json()
        assert set(answer) == set(schema["required"]) == set(schema["properties"])
        assert json.dumps(answer)
