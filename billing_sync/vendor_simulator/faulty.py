"""The middleware that commits the faults, and keeps account of them."""

import asyncio
import socket
import struct
from collections import Counter
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any

from aiohttp import web

from billing_sync.vendor_simulator.documents import COLLECTIONS
from billing_sync.vendor_simulator.rates import Fault, Rates, Severity
from billing_sync.vendor_simulator.retry_after import retry_after

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

LINGER_ZERO = struct.pack("ii", 1, 0)  # on, 0 s: what is unsent is dropped, and the peer gets RST instead of FIN
PIECES = 20


class Faults:
    """Draws a fault for each request that reads or writes documents. What it did is in `summary`."""

    def __init__(self, rates: Rates, severity: Severity) -> None:
        self.rates = rates
        self._severity = severity
        self._random = rates.draws()
        self._requests = 0
        self.committed: Counter[str] = Counter()
        self._retry_after: Counter[str] = Counter()

    def summary(self) -> dict[str, Any]:
        return {
            "seed": self.rates.seed,
            "rates": dict(self.rates.shares),
            "requests": self._requests,
            "faults": dict(self.committed),
            "retry_after": dict(self._retry_after),
        }

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path not in COLLECTIONS:
            return await handler(request)
        self._requests += 1
        fault = self.rates.draw(self._random)
        if fault is None:
            return await handler(request)
        self.committed[fault] += 1
        return await self._commit(fault, request, handler)

    async def _commit(self, fault: Fault, request: web.Request, handler: Handler) -> web.StreamResponse:
        match fault:
            case Fault.RATE_LIMITED:
                return self._error(HTTPStatus.TOO_MANY_REQUESTS, self._wait())
            case Fault.SERVER_ERROR:
                return self._server_error()
            case Fault.SLOW_DRIP:
                return await self._drip(request, await handler(request))
        if fault in (Fault.TIMEOUT_AFTER, Fault.RESET_AFTER):
            await handler(request)
        if fault in (Fault.TIMEOUT_BEFORE, Fault.TIMEOUT_AFTER):
            await asyncio.sleep(self._severity.hold)
        return _reset(request)

    def _server_error(self) -> web.Response:
        kinds = (HTTPStatus.INTERNAL_SERVER_ERROR, HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE, None)
        status = self._random.choice(kinds)
        if status is None:  # the fourth: unavailable, and it says until when
            return self._error(HTTPStatus.SERVICE_UNAVAILABLE, self._wait(absent=False))
        return self._error(status)

    def _wait(self, *, absent: bool = True) -> dict[str, str]:
        form, header = retry_after(self._random, self._severity, absent=absent)
        self._retry_after[form] += 1
        return header

    def _error(self, status: HTTPStatus, headers: dict[str, str] | None = None) -> web.Response:
        error = {"code": status.phrase.lower().replace(" ", "_"), "message": "Simulated fault."}
        return web.json_response({"error": error}, status=status, headers=headers)

    async def _drip(self, request: web.Request, whole: web.StreamResponse) -> web.StreamResponse:
        body = whole.body if isinstance(whole, web.Response) and isinstance(whole.body, bytes) else b""
        slow = web.StreamResponse(status=whole.status, headers={"Content-Type": "application/json"})
        slow.content_length = len(body)
        await slow.prepare(request)
        size = -(-len(body) // PIECES) or 1
        for start in range(0, len(body), size):
            await slow.write(body[start : start + size])
            await asyncio.sleep(self._severity.drip / PIECES)
        return slow


def _reset(request: web.Request) -> web.Response:
    """Ends the connection with a real RST. The response is never sent."""
    if transport := request.transport:
        connection: socket.socket = transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_ZERO)
        transport.abort()
    return web.Response()
