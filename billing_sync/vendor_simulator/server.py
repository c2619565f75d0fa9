"""The vendor's HTTP interface; `openapi.json` describes it for its clients."""

import hmac
import json
import sqlite3
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any

from aiohttp import web

from billing_sync.vendor_simulator import ledger
from billing_sync.vendor_simulator.documents import COLLECTIONS, RefusedDocumentError, parse
from billing_sync.vendor_simulator.faulty import Faults
from billing_sync.vendor_simulator.rates import INVALID, Rates, Severity
from billing_sync.vendor_simulator.writer import Writer

OPENAPI = Path(__file__).parent / "openapi.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """What a simulator is started with. An empty `api_key` lets everybody in."""

    ledger: Path
    api_key: str = ""
    rates: Rates = field(default_factory=Rates)
    severity: Severity = field(default_factory=Severity)


class Vendor:
    """The handlers, with what they share: the ledger's reader, its writer, and the faults."""

    def __init__(self, conditions: Conditions, reader: sqlite3.Connection, writer: Writer) -> None:
        self._conditions = conditions
        self._reader = reader
        self._writer = writer
        self._faults = Faults(conditions.rates, conditions.severity)

    def application(self) -> web.Application:
        application = web.Application(middlewares=[self._authenticate, self._faults.middleware])
        for path in COLLECTIONS:
            application.router.add_get(path, self._find, allow_head=False)
            application.router.add_post(path, self._create)
        for path, answer in (
            ("/v1/ledger/summary", lambda: ledger.summary(self._reader)),
            ("/v1/faults/summary", self._faults.summary),
            ("/openapi.json", lambda: json.loads(OPENAPI.read_text(encoding="utf-8"))),
        ):
            application.router.add_get(path, _telling(answer), allow_head=False)
        return application

    @web.middleware
    async def _authenticate(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        expected, given = self._conditions.api_key, request.headers.get("Authorization", "")
        if expected and request.path in COLLECTIONS and not hmac.compare_digest(given, f"Bearer {expected}"):
            return _error(HTTPStatus.UNAUTHORIZED, "wrong_api_key", "Send Authorization: Bearer with your API key.")
        return await handler(request)

    async def _find(self, request: web.Request) -> web.Response:
        external_id, revision = request.query.get("external_id", ""), request.query.get("revision")
        if not external_id or not (revision is None or revision.isdecimal()):
            return _error(HTTPStatus.BAD_REQUEST, "bad_query", "Name an external_id, and a whole number as revision.")
        kind = COLLECTIONS[request.path]
        found = ledger.find(self._reader, kind, external_id, None if revision is None else int(revision))
        return web.json_response({"data": list(found)})

    async def _create(self, request: web.Request) -> web.Response:
        try:
            document, digest = parse(await request.read(), COLLECTIONS[request.path])
            self._refuse_chosen(document)
        except RefusedDocumentError as error:
            return _error(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid_document", str(error), field=error.field)
        written = await self._writer.write(document, request.headers.get("Idempotency-Key"), digest)
        if written.conflict:
            message = "This Idempotency-Key came with another document before. Send a new one with a new document."
            return _error(HTTPStatus.UNPROCESSABLE_ENTITY, "idempotency_key_reused", message)
        headers = {"Idempotent-Replayed": "true"} if written.replayed else None
        return web.json_response(written.answer, status=HTTPStatus.CREATED, headers=headers)

    def _refuse_chosen(self, document: ledger.Document) -> None:
        if self._conditions.rates.refuses(document.external_id):
            self._faults.committed[INVALID] += 1
            raise RefusedDocumentError("account", "The account is closed for new documents (simulated).")


def _telling(answer: Callable[[], Any]) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def tell(_: web.Request) -> web.Response:
        return web.json_response(answer())

    return tell


def _error(status: HTTPStatus, code: str, message: str, **more: str) -> web.Response:
    return web.json_response({"error": {"code": code, "message": message, **more}}, status=status)
