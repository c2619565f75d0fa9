"""gunicorn's configuration for the demo: loopback only, and no worker that outlives its master."""

import os
from typing import Any

from config.embedded.children import die_with_parent

bind = os.environ["DEMO_WEB_ADDRESS"]
threads = 4
# Heartbeats in memory: a temporary directory may be a slow disk, and a stalled heartbeat kills the worker.
worker_tmp_dir = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108


def post_fork(_server: Any, _worker: Any) -> None:
    """Tie a new worker to the master."""
    die_with_parent()
