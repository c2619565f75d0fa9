"""What Celery's canvas puts behind a job: the rest of a chain, and links."""

from collections.abc import Mapping, MutableMapping
from typing import Any
from uuid import UUID

from celery import current_app
from celery.canvas import Signature
from celery.utils.functional import maybe_list

# What a record keeps of the options that canvas passes to `apply_async`.
KEPT = ("chain", "link", "link_error", "group_id", "group_index", "parent_id", "root_id", "headers")


def taken_from(options: MutableMapping[str, Any]) -> dict[str, Any]:
    """Take out of `options` what a record keeps; links become lists."""
    taken = {name: options.pop(name) for name in KEPT if options.get(name)}
    return taken | {name: maybe_list(taken[name]) for name in ("link", "link_error") if name in taken}


def continues(canvas: Mapping[str, Any]) -> bool:
    """Whether something waits for this job's success."""
    return bool(canvas.get("chain") or canvas.get("link"))


def follow(id_: UUID, canvas: Mapping[str, Any], result: Any) -> None:
    """Enqueue what comes behind job `id_`. Ids were chosen beforehand, so doing it twice makes one record each."""
    family = {"parent_id": str(id_), "root_id": canvas.get("root_id") or str(id_)}
    for link in canvas.get("link") or ():
        _signature(link).apply_async((result,), **family)
    if chain := canvas.get("chain"):
        _signature(chain[-1]).apply_async((result,), chain=chain[:-1], **family)


def _signature(data: Any) -> Any:
    return Signature.from_dict(data, app=current_app)
