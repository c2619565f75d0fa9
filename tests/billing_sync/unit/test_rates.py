from collections import Counter
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from random import Random

import pytest

from billing_sync.vendor_simulator.rates import PROFILES, Fault, Severity, parse_rates
from billing_sync.vendor_simulator.retry_after import retry_after


def drawn(seed, count=20_000):
    rates = parse_rates("rate_limited=0.1,timeout_after=0.05", seed)
    random = rates.draws()
    return [rates.draw(random) for _ in range(count)]


def test_faults_come_at_their_rates():
    counts = Counter(drawn(seed=3))
    assert counts[Fault.RATE_LIMITED] == pytest.approx(2000, rel=0.1)
    assert counts[Fault.TIMEOUT_AFTER] == pytest.approx(1000, rel=0.15)
    assert counts[None] == pytest.approx(17_000, rel=0.02)
    assert sum(counts.values()) == 20_000
    assert set(counts) == {Fault.RATE_LIMITED, Fault.TIMEOUT_AFTER, None}


def test_a_seed_draws_the_same_faults_again():
    assert drawn(seed=3, count=500) == drawn(seed=3, count=500) != drawn(seed=4, count=500)


def test_the_same_documents_are_refused_however_often_and_in_which_order_they_come():
    rates = parse_rates("invalid=0.05", seed=9)
    documents = [f"17850-{number}" for number in range(10_000)]
    refused = [document for document in documents if rates.refuses(document)]
    assert len(refused) == pytest.approx(500, rel=0.2)
    assert [document for document in reversed(documents) if rates.refuses(document)] == refused[::-1]


def test_a_rate_wins_over_the_profile_before_it():
    rates = parse_rates("demo,server_error=0.5", seed=1)
    assert rates.shares == PROFILES["demo"] | {"server_error": 0.5}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("calm", "no profile 'calm'; choose none, demo, storm"),
        ("earthquake=0.1", "no fault 'earthquake'; choose from rate_limited"),
        ("server_error=often", "write a number from 0 to 1"),
        ("server_error=1.5", "write a number from 0 to 1"),
        ("server_error=0.6,slow_drip=0.6", "add up to 1.2"),
    ],
)
def test_rates_that_make_no_sense_are_refused_with_a_remedy(text, message):
    with pytest.raises(ValueError, match=message):
        parse_rates(text, seed=1)


def headers(severity, count=400):
    random = Random(1)
    return [(form, header.get("Retry-After")) for form, header in (retry_after(random, severity) for _ in range(count))]


def test_retry_after_comes_in_every_form_and_within_its_bound():
    seen = headers(Severity(retry_after_max=3))
    assert {form for form, _ in seen} == {"seconds", "date", "past", "absent"}
    now = datetime.now(UTC)
    for form, value in seen:
        match form:
            case "seconds":
                assert 1 <= int(value) <= 3
            case "date":
                assert parsedate_to_datetime(value) <= now + timedelta(seconds=3)
            case "past":
                assert parsedate_to_datetime(value) < now
            case "absent":
                assert value is None


def test_absurd_waits_come_only_when_asked_for():
    assert "absurd" in {form for form, _ in headers(Severity(absurd_retry_after=True))}
