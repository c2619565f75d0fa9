"""`python -m tests.benchmarks.collector PORT`: takes whatever Sentry and OpenTelemetry send, and throws it away.

Both live elsewhere in real life. Here they share the processors with what is measured, so this one reads no byte twice.
"""

import asyncio
import sys

HEAD_ENDS, LENGTH = b"\r\n\r\n", b"content-length:"
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"


class Collector(asyncio.Protocol):
    """One connection, which is kept open."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._head, self._body_left = b"", 0

    def data_received(self, data: bytes) -> None:
        while data:
            if self._body_left:
                data = self._skip_body(data)
                continue
            self._head, at_end, data = (self._head + data).partition(HEAD_ENDS)
            if at_end:
                self._body_left, self._head = _length(self._head), b""
                self._answer_where_all_is_read()

    def _skip_body(self, data: bytes) -> bytes:
        skipped = min(len(data), self._body_left)
        self._body_left -= skipped
        self._answer_where_all_is_read()
        return data[skipped:]

    def _answer_where_all_is_read(self) -> None:
        if not self._body_left:
            self._transport.write(ANSWER)


def _length(head: bytes) -> int:
    _, found, rest = head.lower().partition(LENGTH)
    return int(rest.partition(b"\r")[0]) if found else 0


async def main(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(Collector, "127.0.0.1", port)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
