"""What a procedure starts from, and what its work has to come to."""

from tests.runbooks import acts
from tests.runbooks.stack import Stack


def strange_messages(stack: Stack) -> None:
    stack.broker.put_strange("default")
    acts.a_pool_to_drain(stack)


def all_are_done(_: Stack) -> None:
    acts.seen("SELECT count(*) FROM idempotency_record WHERE state <> 'succeeded'", 0)


def a_running_release(stack: Stack) -> None:
    stack.systemctl("start", "jobs-relay")
    acts.a_pool_to_drain(stack)


def a_restored_database(stack: Stack) -> None:
    stack.enqueue(3)
    stack.enqueue(2, queue="billing-sync")


def a_failover(stack: Stack) -> None:
    a_running_release(stack)
    stack.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() "
              "AND pid <> pg_backend_pid() AND backend_type = 'client backend'")  # fmt: skip


def work_is_done_in_default(_: Stack) -> None:
    acts.seen("SELECT count(*) FROM idempotency_record WHERE state <> 'succeeded' AND queue = 'default'", 0)
