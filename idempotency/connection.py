"""A connection of our own beside Django's: claims and settles must not share the job's transaction or its accidents."""

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import psycopg
from django.db import connections
from psycopg.types.string import TextLoader

# A peer that vanished without a word is noticed within half a minute; else it would hold its row locks for hours.
KEEPALIVE = {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3, "tcp_user_timeout": 20_000}
TIMEOUTS = "-c idle_in_transaction_session_timeout=10s -c lock_timeout=10s"
# A claim is planned once per connection: planning it takes longer than claiming, and compiling it much longer.
# A plan that was made while a table was small is kept when it is not: statements name the ids they want, and no plan
# may read a whole table.
PLANS = "-c plan_cache_mode=force_generic_plan -c jit=off -c enable_seqscan=off"


def connect(application_name: str, *, using: str = "default") -> psycopg.Connection[tuple[Any, ...]]:
    """An autocommit connection to the database that Django's alias `using` names.

    Raises:
        psycopg.OperationalError: the database is away.
    """
    params = connections[using].get_connection_params()
    for ours in ("cursor_factory", "context", "pool"):
        params.pop(ours, None)
    params["options"] = f"{params.get('options', '')} {TIMEOUTS} {PLANS}".strip()
    params["connect_timeout"] = params.get("connect_timeout", 5)
    pooled = connections[using].settings_dict.get("DISABLE_SERVER_SIDE_CURSORS")  # Django's word for a PgBouncer
    connection = psycopg.connect(**KEEPALIVE | params | {"application_name": application_name, "autocommit": True})
    connection.adapters.register_loader("jsonb", TextLoader)  # as Django's does: see `statements.loads`
    # Behind a pool the next statement may reach a server that never saw it prepared.
    connection.prepare_threshold = None if pooled else 0
    return connection


def pipelined(connection: Any) -> AbstractContextManager[Any]:
    """The pipeline mode of Django's connection: a statement is sent, and waited for when its answer is read.

    Where it cannot be had, or a pool may lie between, each statement is waited for as before.
    """
    connection.ensure_connection()
    if connection.settings_dict.get("DISABLE_SERVER_SIDE_CURSORS") or not psycopg.Pipeline.is_supported():
        return nullcontext()
    return connection.connection.pipeline()  # type: ignore[no-any-return]
