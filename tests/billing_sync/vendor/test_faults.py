import socket
from collections import Counter

import httpx
import pytest

from tests.billing_sync.simulators import document
from tests.processes import wait_until

SHORT, LONG = 1.0, 3.0  # seconds that a client waits, and that the simulator takes


def post(client, external_id="17850-1", key="key"):
    return client.post("/v1/invoices", json=document(external_id), headers={"Idempotency-Key": key})


def committed(vendor):
    return vendor.told("/v1/faults/summary")["faults"]


def test_a_rate_limit_has_no_effect_and_asks_to_wait_in_every_form(simulator):
    vendor = simulator("--faults", "rate_limited=1", "--retry-after-max", "2")
    with vendor.client() as client:
        answers = [post(client) for _ in range(40)]
    assert {answer.status_code for answer in answers} == {429}
    assert len({answer.headers.get("Retry-After") for answer in answers}) > 3
    assert vendor.effects() == {}
    told = vendor.told("/v1/faults/summary")
    assert told["faults"] == {"rate_limited": 40}
    assert set(told["retry_after"]) == {"seconds", "date", "past", "absent"}
    assert sum(told["retry_after"].values()) == told["requests"] == 40


def test_server_errors_come_in_four_kinds_and_have_no_effect(simulator):
    vendor = simulator("--faults", "server_error=1")
    with vendor.client() as client:
        answers = [post(client) for _ in range(40)]
    kinds = {(answer.status_code, "Retry-After" in answer.headers) for answer in answers}
    assert kinds == {(500, False), (502, False), (503, False), (503, True)}
    assert vendor.effects() == {}


@pytest.mark.parametrize(("fault", "effects"), [("timeout_before", 0), ("timeout_after", 1)])
def test_a_time_out_outlasts_the_client_before_or_after_the_effect(simulator, fault, effects):
    vendor = simulator("--faults", f"{fault}=1", "--hold", str(LONG))
    with vendor.client(timeout=SHORT) as client, pytest.raises(httpx.ReadTimeout):
        post(client)
    wait_until(lambda: committed(vendor) == {fault: 1}, 5)
    wait_until(lambda: sum(vendor.effects().values()) == effects)


@pytest.mark.parametrize(("fault", "effects"), [("reset_before", 0), ("reset_after", 1)])
def test_a_reset_is_a_real_one_before_or_after_the_effect(simulator, fault, effects):
    vendor = simulator("--faults", f"{fault}=1")
    host, port = vendor.url.removeprefix("http://").split(":")
    body = httpx.Request("POST", vendor.url, json=document()).content
    with socket.create_connection((host, int(port))) as connection:
        connection.settimeout(60)
        connection.sendall(b"POST /v1/invoices HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
        with pytest.raises(ConnectionResetError):
            connection.recv(1)
    assert sum(vendor.effects().values()) == effects
    assert committed(vendor) == {fault: 1}
    assert "Traceback" not in vendor.program.log()


def test_a_slow_answer_is_right_and_every_piece_of_it_comes_in_time(simulator):
    vendor = simulator("--faults", "slow_drip=1", "--drip", str(LONG))
    with vendor.client(timeout=SHORT) as client:
        answer = post(client)
    assert answer.status_code == 201
    assert answer.elapsed.total_seconds() > SHORT
    assert answer.json()["external_id"] == "17850-1"


def test_a_refused_document_stays_refused_while_others_pass(simulator):
    vendor = simulator("--faults", "invalid=0.3", "--seed", "5")
    with vendor.client() as client:
        rounds = [[post(client, f"17850-{n}", f"key-{n}").status_code for n in range(40)] for _ in range(2)]
    assert rounds[0] == rounds[1]
    refused = rounds[0].count(422)
    assert 4 <= refused <= 20
    assert sum(vendor.effects().values()) == 40 - refused
    assert committed(vendor) == {"invalid": 2 * refused}


def test_faults_strike_look_ups_too_and_never_the_summaries(simulator):
    vendor = simulator("--faults", "server_error=1")
    with vendor.client() as client:
        assert client.get("/v1/invoices", params={"external_id": "a"}).status_code >= 500
        for path in ("/v1/ledger/summary", "/v1/faults/summary", "/openapi.json"):
            assert client.get(path).status_code == 200


def test_a_seed_repeats_its_run(simulator):
    def run(seed):
        vendor = simulator("--faults", "server_error=0.3,rate_limited=0.2", "--seed", seed)
        with vendor.client() as client:
            statuses = [client.get("/v1/invoices", params={"external_id": "a"}).status_code for _ in range(60)]
        vendor.program.stop()
        return statuses

    first = run("1")
    assert Counter(status == 200 for status in first)[True] > 15
    assert run("1") == first


def test_rates_that_make_no_sense_end_it_with_a_remedy(simulator_programs, tmp_path):
    arguments = ["--port", "0", "--ledger", str(tmp_path / "l.sqlite3"), "--faults", "calm"]
    program = simulator_programs.manage("vendor_simulator", *arguments)
    assert program.wait_for_end() == 1
    assert "choose none, demo, storm" in program.log()
