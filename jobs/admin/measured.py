"""The metrics in the admin: the same snapshot that Prometheus is told, and the alerts that it leads to."""

from collections.abc import Iterable
from contextlib import closing
from typing import Any

from django.contrib.admin import AdminSite
from django.http import HttpRequest, HttpResponse, JsonResponse

from jobs import conf
from jobs.admin.pages import show
from jobs.metrics import snapshot, watching
from jobs.metrics.samples import Sample
from jobs.metrics.snapshot import Snapshot
from jobs.own_connection import OwnConnection

P95 = {"quantile": "0.95"}
DEAD = {"state": "dead_lettered"}
# Heading → metric and its labels beside the queue; what is waited for by people first.
COLUMNS: dict[str, tuple[str, dict[str, str]]] = {
    "ready": ("jobs_queue_depth", {"state": "ready"}),
    "running": ("jobs_queue_depth", {"state": "running"}),
    "age, p95 (s)": ("jobs_waiting_age_seconds", P95),
    "success": ("jobs_success_ratio", {}),
    "retry": ("jobs_retry_ratio", {}),
    "dead letters": ("jobs_dead_letters", DEAD),
    "dead-lettered within an hour": ("jobs_given_up_last_hour", DEAD),
    "saturation": ("jobs_worker_saturation_ratio", {}),
}
OF_VENDOR: dict[str, tuple[str, dict[str, str]]] = {
    "latency, p50 (s)": ("jobs_vendor_latency_seconds", {"quantile": "0.5"}),
    "latency, p95 (s)": ("jobs_vendor_latency_seconds", P95),
    "latency, p99 (s)": ("jobs_vendor_latency_seconds", {"quantile": "0.99"}),
    "errors": ("jobs_vendor_error_ratio", {}),
    "calls": ("jobs_vendor_recent_calls", {}),
}


def metrics_view(request: HttpRequest, site: AdminSite) -> HttpResponse:
    """As a page, or with `?format=json` every sample."""
    with closing(OwnConnection("jobs admin")) as own:
        found = own.once(snapshot.newest)
    if request.GET.get("format") == "json":
        return JsonResponse({"taken_at": found.taken_at.isoformat(), "samples": [s.as_json() for s in found.samples]})
    context: dict[str, Any] = {
        "taken_at": found.taken_at,
        "holds": [h.as_json() for h in watching.held(found.samples, found.taken_at.timestamp())],
        "columns": list(COLUMNS),
        "queues": _rows(found, "queue", conf.queues(), COLUMNS),
        "of_vendor": list(OF_VENDOR),
        "vendors": _rows(found, "vendor", _vendors(found.samples), OF_VENDOR),
    }
    return show(request, site, "jobs/metrics.html", title="Metrics", **context)


def _rows(
    found: Snapshot, label: str, names: Iterable[str], columns: dict[str, tuple[str, dict[str, str]]]
) -> list[tuple[str, list[float | None]]]:
    return [
        (name, [found.value(metric, **{label: name}, **labels) for metric, labels in columns.values()])
        for name in names
    ]


def _vendors(samples: Iterable[Sample]) -> list[str]:
    return sorted({s.label("vendor") for s in samples if s.metric == "jobs_vendor_recent_calls"})
