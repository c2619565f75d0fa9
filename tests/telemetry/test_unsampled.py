"""What the caller's sampler left out: no span is made for the job, and nobody whom it calls traces it either."""

from idempotency.models import Record
from tests.app.telling import CountsSpans
from tests.processes import wait_until
from tests.telemetry.test_traces import ended

LEFT_OUT = {"OTEL_TRACES_SAMPLER": "always_off", "SENTRY_TRACES_SAMPLE_RATE": "0"}


def test_a_job_that_its_caller_left_out_makes_no_span_and_tells_whom_it_calls(
    sunk, request_jobs, spawn_worker, spawn_relay
):
    (left_out,) = request_jobs((CountsSpans, {"name": "left out"}), env=LEFT_OUT)
    (sampled,) = request_jobs((CountsSpans, {"name": "sampled"}))
    worker = spawn_worker(env=sunk.environment)  # of its own accord it would trace all
    spawn_relay()
    wait_until(lambda: ended(left_out, sampled))
    assert not worker.stop()
    records = {id_: Record.objects.get(id=id_) for id_ in (left_out, sampled)}
    made = {id_: record.result["made"] for id_, record in records.items()}
    assert made[left_out] == []
    assert sorted(made[sampled]) == ["Span", "Transaction", "_Span"]

    for id_, record in records.items():
        told, carried = record.result["told"], record.options["headers"]
        assert told["traceparent"].split("-")[1] == carried["traceparent"].split("-")[1]
        of_sentry = carried["sentry-trace"] if id_ == sampled else carried["traceparent"][3:]
        assert told["sentry-trace"].split("-")[0] == of_sentry.split("-")[0]
        assert int(told["traceparent"][-2:], 16) & 1 == (id_ == sampled)
        assert told["sentry-trace"].endswith("-1" if id_ == sampled else "-0")
    assert "sentry-trace" not in records[left_out].options["headers"], "what the one says, the other need not"
    of_left_out = records[left_out].options["headers"]["traceparent"].split("-")[1]
    assert {span["name"] for span in sunk.spans()} >= {"process default", "within the body"}
    assert not [span for span in sunk.spans() if span["traceId"] == of_left_out]
    assert len([t for t in sunk.sentry("transaction") if t["transaction"] == CountsSpans.name]) == 1
