import os
from datetime import timedelta

import httpx
import pytest

from billing_sync import ledgerly
from tests.billing_sync.simulators import document


@pytest.fixture
def connect(settings):
    """`connect(vendor)`: the client talks to this simulator."""

    def connect(vendor, api_key="", timeout=timedelta(seconds=10)):
        settings.LEDGERLY_URL, settings.LEDGERLY_API_KEY, settings.LEDGERLY_TIMEOUT = vendor.url, api_key, timeout

    yield connect
    ledgerly._client(os.getpid(), settings.LEDGERLY_URL, settings.LEDGERLY_API_KEY, settings.LEDGERLY_TIMEOUT).close()
    ledgerly._client.cache_clear()


@pytest.fixture
def connected(connect, calm, api_key):
    connect(calm, api_key)


def test_what_was_created_is_found_by_kind_id_and_revision(connected):
    made = ledgerly.create(document("made", 2), "key-made")
    assert ledgerly.find("invoice", "made", 2) == made
    assert ledgerly.find("invoice", "made", 1) is None
    assert ledgerly.find("credit_note", "made", 2) is None


def test_the_key_reaches_the_vendor(connected, calm):
    assert ledgerly.create(document("keyed"), "key-keyed") == ledgerly.create(document("keyed"), "key-keyed")
    assert {d.external_id: n for d, n in calm.effects().items()}["keyed"] == 1


def test_a_refusal_carries_the_vendors_explanation(connected):
    with pytest.raises(httpx.HTTPStatusError) as refusal:
        ledgerly.create(document("explained", total="1.00"), "key-explained")
    assert refusal.value.response.status_code == 422
    assert "The lines add up to 15.3000, not 1.00" in refusal.value.__notes__[0]


def test_without_an_api_key_none_is_sent(connect, calm):
    connect(calm, api_key="")
    with pytest.raises(httpx.HTTPStatusError, match="401"):
        ledgerly.find("invoice", "anything", 1)


def test_an_answer_that_drips_beyond_the_time_out_is_given_up(connect, simulator):
    connect(simulator("--faults", "slow_drip=1", "--drip", "20"), timeout=timedelta(milliseconds=1200))
    with pytest.raises(httpx.ReadTimeout, match="not complete within LEDGERLY_TIMEOUT"):
        ledgerly.create(document("drip"), "key-drip")


def test_connections_are_reused_within_a_process_and_never_shared_with_its_children(connected):
    def client():
        return ledgerly._client(os.getpid(), *arguments)

    from django.conf import settings

    arguments = (settings.LEDGERLY_URL, settings.LEDGERLY_API_KEY, settings.LEDGERLY_TIMEOUT)
    ledgerly.find("invoice", "reused", 1)
    of_parent = client()
    ledgerly.find("invoice", "reused", 1)
    assert len(of_parent._transport._pool.connections) == 1
    if (child := os.fork()) == 0:
        apart = client() is not of_parent and ledgerly.find("invoice", "reused", 1) is None
        os._exit(0 if apart else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert ledgerly.find("invoice", "reused", 1) is None
    assert client() is of_parent
