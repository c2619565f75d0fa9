"""The client of Ledgerly, the billing vendor. What httpx raises is let through: `jobs` knows what a retry is worth."""

import json
import os
import time
from datetime import timedelta
from functools import lru_cache
from typing import Any

import httpx
from django.conf import settings

from billing_sync.models import Invoice
from jobs import take_slot, vendor_call

COLLECTIONS = {Invoice.Kind.INVOICE: "/v1/invoices", Invoice.Kind.CREDIT_NOTE: "/v1/credit-notes"}
# Enough of the vendor's explanation for the person who reviews a refused document.
EXPLANATION = 500


def external_id(account_id: int, number: str) -> str:
    """What the vendor knows a document by: our invoice numbers are unique within an account only."""
    return f"{account_id}-{number}"


def find(kind: str, external_id: str, revision: int) -> dict[str, Any] | None:
    """The document that the vendor holds, or None."""
    answer = _call("GET", COLLECTIONS[Invoice.Kind(kind)], params={"external_id": external_id, "revision": revision})
    documents: list[dict[str, Any]] = answer["data"]
    return documents[0] if documents else None


def create(document: dict[str, Any], idempotency_key: str) -> dict[str, Any]:
    """Create the document at the vendor. Asked again with the same key, the vendor answers as it did the first time."""
    path = COLLECTIONS[Invoice.Kind(document["kind"])]
    return _call("POST", path, json=document, headers={"Idempotency-Key": idempotency_key})


def _call(method: str, path: str, **request: Any) -> dict[str, Any]:
    timeout: timedelta = settings.LEDGERLY_TIMEOUT
    client = _client(os.getpid(), settings.LEDGERLY_URL, settings.LEDGERLY_API_KEY, timeout)
    take_slot("ledgerly")
    deadline = time.monotonic() + timeout.total_seconds()
    with vendor_call("ledgerly"), client.stream(method, path, **request) as response:
        body = b"".join(_until(deadline, response))
        _raise_for_status(response, body)
    answer: dict[str, Any] = json.loads(body)
    return answer


def _until(deadline: float, response: httpx.Response) -> list[bytes]:
    """A time-out of httpx counts from the last byte: a vendor that sends one now and then would hold us for ever."""
    pieces = []
    for piece in response.iter_bytes():
        pieces.append(piece)
        if time.monotonic() > deadline:
            raise httpx.ReadTimeout("the answer was not complete within LEDGERLY_TIMEOUT", request=response.request)
    return pieces


def _raise_for_status(response: httpx.Response, body: bytes) -> None:
    try:
        response.raise_for_status()
    except httpx.HTTPStatusError as error:
        error.add_note(f"The vendor's answer: {body.decode(errors='replace')[:EXPLANATION]}")
        raise


@lru_cache(maxsize=1)
def _client(_pid: int, url: str, api_key: str, timeout: timedelta) -> httpx.Client:
    """One pool of connections per process: a worker's child must not write on the sockets of its parent."""
    # trust_env=False: the setting is the whole address; a proxy in some worker's environment is not to be a surprise.
    return httpx.Client(
        base_url=url,
        headers={"Authorization": f"Bearer {api_key}"} if api_key else None,
        timeout=timeout.total_seconds(),
        trust_env=False,
    )
