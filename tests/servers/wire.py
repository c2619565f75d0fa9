"""A wire that a test can cut, between a program and its database or broker, without harm to anybody else's.

It listens on a unix socket or a port and forwards bytes. It runs in a thread of its own.
"""

import asyncio
import socket
import threading
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

CHUNK = 65_536
LOOPBACK = "127.0.0.1"


@dataclass(eq=False)
class Link:
    """One connection through the wire."""

    near: asyncio.StreamWriter  # to the client
    task: asyncio.Task[None]
    far: asyncio.StreamWriter | None = None  # to the server
    dead: bool = False  # nothing passes any more, and neither end is told
    torn: bool = False  # bytes of it are gone: it can only be reset

    def reset(self) -> None:
        self.near.transport.abort()
        if self.far:
            self.far.transport.abort()


class Wire:
    """Forwards to `target`: a unix socket's path, or a port on the loopback interface.

    `swallowed` and `delayed` count the bytes that a fault has kept or held up so far.
    """

    def __init__(self, target: Path | int, listen: Path | None = None, host: str = LOOPBACK) -> None:
        self.url = ""  # the address that clients need; whoever makes the wire knows it
        self.host = host
        self._kept = None if listen else keep_port(host)
        self.port = self._kept.getsockname()[1] if self._kept else 0
        self.swallowed = self.delayed = 0
        self._target = target
        self._listen = listen
        self._server: asyncio.Server | None = None
        self._links: set[Link] = set()
        self._loop = asyncio.new_event_loop()
        self._flows = asyncio.Event()
        self._deaf = False
        self._latency = 0.0
        self._thread = threading.Thread(target=self._loop.run_forever, name="wire", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._loop.call_soon_threadsafe(self._flows.set)
        self.heal()
        return self

    def __exit__(self, *_error: object) -> None:
        self.cut()
        self._do(self._finish())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        if self._kept:
            self._kept.close()

    @property
    def connections(self) -> int:
        """How many are open."""
        return len(self._links)

    def cut(self) -> None:
        """Reset every connection and refuse new ones, as a server that went down."""
        self._do(self._cut())

    def heal(self) -> None:
        """Accept connections again, at full speed. Those that have lost bytes are reset: nobody can go on with them."""
        self._deaf, self._latency = False, 0.0
        self._do(self._accept())

    def freeze(self) -> None:
        """Swallow everything in silence, as a network that lost its way: connections stay, nothing arrives."""
        self._loop.call_soon_threadsafe(self._flows.clear)

    def thaw(self) -> None:
        """Deliver what was held back, and go on."""
        self._loop.call_soon_threadsafe(self._flows.set)

    def half_open(self) -> None:
        """Let every connection there is die without a word to either end, until `heal`; new ones work."""
        self._do(self._half_open())

    def lose_answers(self) -> None:
        """Deliver what clients say and drop what servers answer, until `heal`: the deed is done and nobody knows."""
        self._deaf = True

    def slow(self, seconds: float) -> None:
        """Hold up each chunk of bytes for so long, in both directions, until `heal`."""
        self._latency = seconds

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _accept(self) -> None:
        for link in [link for link in self._links if link.dead or link.torn]:
            link.reset()
        if self._server is None and self._listen:
            self._server = await asyncio.start_unix_server(self._serve, self._listen)
        elif self._server is None:
            self._server = await asyncio.start_server(self._serve, self.host, self.port)

    async def _cut(self) -> None:
        if self._server:
            for listening in self._server.sockets:
                self._loop.remove_reader(listening.fileno())
            await asyncio.sleep(0)  # asyncio forgets, open, a connection that it makes while its server closes
            self._server.close()
            self._server = None
        if self._listen:
            self._listen.unlink(missing_ok=True)
        for link in self._links:
            link.reset()

    async def _half_open(self) -> None:
        for link in self._links:
            link.dead = True

    async def _finish(self) -> None:
        """End every link. One that was asked for only just now must come to be first: only then can it be closed."""
        while rest := asyncio.all_tasks() - {asyncio.current_task()}:
            for link in self._links:
                link.task.cancel()
            await asyncio.wait(rest, timeout=0.05)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        link = Link(writer, task)
        self._links.add(link)
        try:
            back, link.far = await self._connect()
            await asyncio.gather(self._pump(reader, link.far, link), self._pump(back, writer, link, answers=True))
        except (OSError, asyncio.CancelledError):  # asyncio's own callback cannot bear a cancelled task
            link.reset()
        finally:
            self._links.discard(link)
            if link.dead:  # both ends have given it up
                link.reset()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if isinstance(self._target, Path):
            return await asyncio.open_unix_connection(self._target)
        return await asyncio.open_connection(LOOPBACK, self._target)

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, link: Link, *, answers: bool = False
    ) -> None:
        with suppress(OSError):
            while chunk := await reader.read(CHUNK):
                await self._flows.wait()
                await self._forward(chunk, writer, link, answers)
        if not link.dead:
            writer.close()

    async def _forward(self, chunk: bytes, writer: asyncio.StreamWriter, link: Link, answers: bool) -> None:
        if link.dead or (answers and self._deaf):
            self.swallowed += len(chunk)
            link.torn = True
            return
        if self._latency:
            self.delayed += len(chunk)
            await asyncio.sleep(self._latency)  # it is what a slow network does
        writer.write(chunk)
        await writer.drain()


def keep_port(host: str = LOOPBACK, port: int = 0) -> socket.socket:
    """A socket that keeps a port from everybody but those who listen on it by name; a free one where none is named."""
    kept = socket.socket()
    kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    kept.bind((host, port))
    return kept
