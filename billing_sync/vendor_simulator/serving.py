"""Running the simulator until it is told to stop."""

import asyncio
import signal
from collections.abc import Callable
from contextlib import closing

from aiohttp import web

from billing_sync.vendor_simulator import ledger
from billing_sync.vendor_simulator.server import Conditions, Vendor
from billing_sync.vendor_simulator.writer import Writer

# Never another address: whoever reaches the simulator may write into its ledger.
LOOPBACK = "127.0.0.1"
# Held connections are part of the simulation; none of them is worth waiting for at the end.
SHUTDOWN = 0.2


async def serve(conditions: Conditions, port: int, ready: Callable[[str], None]) -> None:
    """Serves on loopback until SIGINT or SIGTERM; `ready` hears the URL. Port 0 takes a free one.

    Raises LedgerError, and OSError when the port is taken.
    """
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    with (
        closing(Writer(conditions.ledger)) as writer,
        closing(ledger.connect(conditions.ledger, read_only=True)) as reader,
    ):
        runner = web.AppRunner(
            Vendor(conditions, reader, writer).application(), access_log=None, shutdown_timeout=SHUTDOWN
        )
        await runner.setup()
        try:
            await web.TCPSite(runner, LOOPBACK, port).start()
            ready(f"http://{LOOPBACK}:{runner.addresses[0][1]}")
            await stop.wait()
        finally:
            await runner.cleanup()
