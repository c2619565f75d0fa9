"""One trace from the caller's request to the vendor, exported to a real sink and read from its bytes."""

from collections.abc import Iterator
from typing import Any

from idempotency.claims import Seen
from idempotency.models import Record
from jobs.review import decisions
from tests.app.tasks import FailForGood, FailTimes
from tests.app.telling import CallsVendor
from tests.processes import wait_until


def ended(*ids: str) -> bool:
    return not Record.objects.filter(id__in=ids, state__in=["queued", "processing"]).exists()


def of(span: dict[str, Any], name: str) -> Any:
    for attribute in span.get("attributes", ()):
        if attribute["key"] == name:
            return next(iter(attribute["value"].values()))
    return None


class Spans:
    def __init__(self, spans: list[dict[str, Any]]) -> None:
        self.all = spans

    def named(self, name: str, **wanted: str) -> list[dict[str, Any]]:
        def fits(span: dict[str, Any]) -> bool:
            asked = {"job": "messaging.message.id", "task": "jobs.task"}
            return span["name"] == name and all(of(span, asked[w]) == v for w, v in wanted.items())

        return [span for span in self.all if fits(span)]

    def links(self, span: dict[str, Any]) -> Iterator[tuple[str, str | None]]:
        """Names of the spans that it links to, and why."""
        names = {s["spanId"]: s["name"] for s in self.all}
        for link in span.get("links", ()):
            yield names.get(link["spanId"], ""), of(link, "jobs.link")


def test_a_request_is_followed_to_the_vendor_and_retries_and_replays_link_to_it(
    sunk, request_jobs, spawn_worker, spawn_relay
):
    ids = request_jobs((CallsVendor, {"name": "calls"}), (FailTimes, {"name": "twice", "times": 1}),
                       (FailForGood, {"name": "bad"}))  # fmt: skip
    calls, twice, bad = ids
    worker = spawn_worker(["default", "open"], env=sunk.environment)
    spawn_relay()
    wait_until(lambda: ended(*ids))
    given_up = Record.objects.get(id=bad)
    decisions.replay([Seen(given_up.id, given_up.fencing_token)], by="tests", why="to see it in a trace")
    wait_until(lambda: ended(bad))
    assert not worker.stop()
    spans = Spans(sunk.spans())

    (request,) = spans.named("POST /invoices")
    (sent,) = spans.named("send open", job=calls)
    (hint,) = spans.named("hint open")
    (process,) = spans.named("process open", job=calls)
    (call,) = spans.named("call open")
    received = [s for s in spans.named("receive open") if s["traceId"] == request["traceId"]]
    assert {s["traceId"] for s in (sent, hint, process, call)} == {request["traceId"]}
    assert (sent["parentSpanId"], hint["parentSpanId"]) == (request["spanId"],) * 2
    assert [s["parentSpanId"] for s in received] in ([hint["spanId"]], [])  # the relay's hint may have come first
    assert process["parentSpanId"] == sent["spanId"]
    assert call["parentSpanId"] == process["spanId"]
    assert ("receive open", None) in spans.links(process)
    (claim,) = (s for s in spans.named("receive open") if ("send open", None) in spans.links(s))
    assert of(claim, "messaging.batch.message_count") == "1"
    assert (of(process, "jobs.task"), of(process, "jobs.outcome")) == (CallsVendor.name, "succeeded")

    first, again = spans.named("process default", job=twice)
    assert (first["traceId"], of(first, "jobs.outcome")) == (request["traceId"], "retried")
    assert first["events"][0]["name"] == "exception"
    assert again["traceId"] != request["traceId"]
    assert ("send default", "retry") in spans.links(again)

    failed, replayed = spans.named("process default", job=bad)
    assert of(failed, "jobs.outcome") == of(replayed, "jobs.outcome") == "given_up"
    assert replayed["traceId"] != failed["traceId"]
    assert ("send default", "replay") in spans.links(replayed)
    assert "headers" not in Record.objects.get(id=bad).payload
