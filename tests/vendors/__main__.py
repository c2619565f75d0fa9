"""`python -m tests.vendors`: a vendor on the bench, until it is told to stop. It prints its address."""

import asyncio
import os
from contextlib import suppress

from tests.vendors.server import serve

# A bench that waits for a core would see calls in bundles that left one by one. Only root may ask for this.
with suppress(PermissionError):
    os.nice(-10)
asyncio.run(serve(lambda url: print(f"Bench vendor is ready: {url}", flush=True)))
