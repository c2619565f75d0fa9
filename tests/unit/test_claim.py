"""A claim's jobs as those see them who watch, and what a tracer makes of the claim itself."""

from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_ON

from idempotency.claims import Claimed
from jobs.claim import Claim
from jobs.opentelemetry import Tracing

NOW = datetime(2026, 11, 28, tzinfo=UTC)
NOTHING = dict.fromkeys(Claimed._fields)
LEFT_OUT, SAMPLED = (f"00-{'a' * 32}-{'b' * 16}-0{flag}" for flag in (0, 1))


def job(number: int, options, **more) -> Claimed:
    of_a_job = {
        "id": uuid4(),
        "number": number,
        "options": options,
        "attempt": 1,
        "replay_count": 0,
        "lease_id": UUID(int=1),
    }
    return Claimed(**NOTHING | of_a_job | more)  # fmt: skip


def carrying(header: str | None):
    return {"headers": {"traceparent": header}} if header else None


def test_jobs_of_one_call_are_looked_at_once_and_told_by_it():
    one, other, asked = carrying(LEFT_OUT), carrying(SAMPLED), []

    def tells(options):
        asked.append(options)
        return options is other

    claim = Claim([job(1, one), job(2, other), job(3, one), job(4, other)])
    assert [c.number for c in claim.telling(tells)] == [2, 4]
    assert asked == [one, other]
    assert list(claim.options) == [one, other]


def test_what_is_tried_again_or_replayed_is_told_whatever_it_carries():
    shared = carrying(LEFT_OUT)
    claim = Claim([job(1, shared), job(2, shared, attempt=2), job(3, shared, replay_count=1), job(4, None)])
    assert [c.number for c in claim.telling(lambda _: False)] == [2, 3]


def test_a_claim_that_tells_nothing_has_no_job_to_tell_of():
    assert Claim([job(1, None), job(2, carrying(LEFT_OUT))]).telling(lambda _: False) == []


def test_a_claim_stays_what_it_is():
    jobs = [job(1, None)]
    claim = Claim.of(jobs)
    assert claim == jobs
    assert Claim.of(claim) is claim


@pytest.mark.parametrize(
    ("hint", "names"), [(LEFT_OUT, []), (SAMPLED, ["receive open"]), (None, ["receive open"])], ids=str
)
def test_a_claim_for_a_hint_that_its_caller_left_out_makes_no_span_whatever_the_sampler(hint, names):
    exporter, provider = InMemorySpanExporter(), TracerProvider(sampler=ALWAYS_ON)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    headers = {"traceparent": hint} if hint else {}
    claim = Claim([job(1, carrying(SAMPLED)), job(2, carrying(LEFT_OUT)), job(3, None)])
    Tracing(provider).claimed("open", claim, 0.01, headers)
    spans = exporter.get_finished_spans()
    assert [span.name for span in spans] == names
    for span in spans:
        assert [f"{link.context.trace_id:032x}" for link in span.links] == ["a" * 32], "to whoever is sampled, once"
        assert (span.parent is None) == (hint is None)
