"""The vendor itself: answers by its script, and keeps every call."""

import asyncio
import signal
import time
from collections.abc import Callable
from typing import Any

from aiohttp import web

from tests.vendors.script import ALWAYS_OK, Answer, Phase, Script

LOOPBACK = "127.0.0.1"
CONTROL = "/bench/"  # what the test says and asks; never recorded
EVERY_PATH = "*"


class BenchVendor:
    """Scripts by path, and the calls as plain rows: `at, until, path, account, number, attempt, status`."""

    def __init__(self) -> None:
        self._scripts = {EVERY_PATH: Script(ALWAYS_OK, time.monotonic())}
        self._calls: list[list[Any]] = []

    def application(self) -> web.Application:
        application = web.Application()
        application.router.add_put(f"{CONTROL}script", self._take_script)
        application.router.add_get(f"{CONTROL}calls", self._tell_calls)
        application.router.add_delete(f"{CONTROL}calls", self._forget_calls)
        application.router.add_route("*", "/{path:.*}", self._answer)
        return application

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        now, asked = time.monotonic(), request.query
        answer = self._script_of(request.path).next(now)
        numbers = (int(asked.get(name, 0)) for name in ("number", "attempt"))
        call = [now, None, request.path, asked.get("account", ""), *numbers, None]
        self._calls.append(call)
        try:
            await _wait(answer)
            call[-1] = answer.status
        finally:  # whoever hangs up cancels this
            call[1] = time.monotonic()
        return web.json_response({"number": call[4]}, status=answer.status, headers=answer.headers())

    def _script_of(self, path: str) -> Script:
        return self._scripts.get(path) or self._scripts[EVERY_PATH]

    async def _take_script(self, request: web.Request) -> web.Response:
        told = await request.json()
        now = time.monotonic()
        self._scripts[told["path"]] = Script([Phase.from_json(phase) for phase in told["phases"]], now)
        return web.json_response({"from": now})

    async def _tell_calls(self, request: web.Request) -> web.Response:
        return web.json_response(self._calls[int(request.query.get("after", 0)) :])

    async def _forget_calls(self, _: web.Request) -> web.Response:
        self._calls = []
        return web.json_response({})


async def _wait(answer: Answer) -> None:
    if answer.never:
        await asyncio.Event().wait()
    elif answer.delay:
        await asyncio.sleep(answer.delay)


async def serve(ready: Callable[[str], None]) -> None:
    """Serves on a free port of the loopback address until SIGINT or SIGTERM; `ready` hears the URL."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    runner = web.AppRunner(
        BenchVendor().application(), access_log=None, handler_cancellation=True, shutdown_timeout=0.2
    )
    await runner.setup()
    try:
        await web.TCPSite(runner, LOOPBACK, 0, backlog=1024).start()
        ready(f"http://{LOOPBACK}:{runner.addresses[0][1]}")
        await stop.wait()
    finally:
        await runner.cleanup()
