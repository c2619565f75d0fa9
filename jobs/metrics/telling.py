"""Telling people of alerts: by mail and to a webhook, whatever the settings name."""

import json
import logging
import urllib.request
from typing import Any

from django.core.mail import send_mail

from jobs import conf, log_events
from jobs.metrics.watching import Change

logger = logging.getLogger(__name__)

PATIENCE = 10.0  # seconds for a webhook: the next look must not wait for it
JSON = {"Content-Type": "application/json"}


def tell(change: Change) -> None:
    """Say what has begun and what has ended. A way that fails is logged, and the other one is tried."""
    if not change.news and not change.over:
        return
    for way in (_mail, _post):
        try:
            way(change)
        except Exception:
            logger.exception("nobody was told by %s", way.__name__.strip("_"), extra=log_events.ALERT_UNTOLD)


def _mail(change: Change) -> None:
    if conf.alert_mail():
        urgent = [h.alert.name for h in change.news] or [name for name, _ in change.over]
        word = "firing" if change.news else "over"
        send_mail(f"[jobs] {word}: {', '.join(sorted(set(urgent)))}", _text(change), None, conf.alert_mail())


def _post(change: Change) -> None:
    if (url := conf.alert_webhook()) is None:
        return
    if not url.startswith(("http://", "https://")):
        raise ValueError(f"JOBS_ALERT_WEBHOOK is {url!r}; it must be an http or https address")
    body = json.dumps(_message(change)).encode()
    request = urllib.request.Request(url, body, JSON)  # noqa: S310 - looked at above
    with urllib.request.urlopen(request, timeout=PATIENCE):  # noqa: S310 - the same
        pass


def _message(change: Change) -> dict[str, Any]:
    over = [{"alert": name, "labels": labels} for name, labels in change.over]
    return {"firing": [h.as_json() for h in change.news], "over": over}


def _text(change: Change) -> str:
    begun = [f"{h.alert.severity}: {h.description()}\n    {h.as_json()['runbook']}" for h in change.news]
    ended = [f"over: {name} {' '.join(labels.values())}".rstrip() for name, labels in change.over]
    return "\n".join([*begun, *ended])
