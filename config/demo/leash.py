"""Loaded into the demo's Celery workers: a pool's children do not outlive the worker.

The launcher's death reaches its own children only, the kernel's request is not inherited; so each child asks again.
"""

from typing import Any

from celery.signals import worker_process_init

from config.embedded.children import die_with_parent


@worker_process_init.connect
def leash(**_: Any) -> None:
    """Tie a new child of the pool to the worker."""
    die_with_parent()
