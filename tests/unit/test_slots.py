"""What a process remembers of slots is its own."""

import os
from concurrent.futures import ThreadPoolExecutor

from jobs import slots


def fork_of_a_thread_with_a_connection() -> int:
    """The exit code of a fork: 0 where it has none."""
    slots._here.own = object()
    if (child := os.fork()) == 0:
        os._exit(int(hasattr(slots._here, "own")))
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_a_fork_of_any_thread_forgets_the_connection_of_its_parent():
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(fork_of_a_thread_with_a_connection).result() == 0
