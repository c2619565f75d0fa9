"""Mistakes that a run can be told to make (`--break NAME`): a judge who then finds nothing is worth nothing.

Each takes one rule out of the product's statements, in the programs of the run alone.
"""

from collections.abc import Callable

from idempotency import statements

# The two forms of the guard, and what is left of each.
GUARDS = {"own": "r.id = o.id", "owned": "r.id = ANY(%(ids)s::uuid[])"}


def _unguarded(text: str) -> str:
    for part, anybody in GUARDS.items():
        text = text.replace((statements.SQL / f"{part}.part.sql").read_text().strip(), anybody)
    return text


BREAKS: dict[str, tuple[str, Callable[[str], str]]] = {
    "guard": ("a worker settles whatever it has ever held", _unguarded),
    "reaper": (
        "an expired lease is never taken back",
        lambda text: text.replace("lease_expires_at < statement_timestamp()", "false"),
    ),
    "key": ("each attempt shows the vendor a key of its own", lambda text: text),  # see tests/app/chaos.py
}


def apply(name: str) -> None:
    """Swap the texts; nothing for an empty name. Raises KeyError for an unknown one."""
    if not name:
        return
    _why, change = BREAKS[name]
    right = statements.statement
    statements.statement = lambda which: change(right(which))
