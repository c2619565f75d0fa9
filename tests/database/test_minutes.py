"""What the relay counts for the charts: each minute once, from what ended in it, whoever counts and however late."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.core.management import call_command

from idempotency import transitions
from idempotency.states import Reason
from jobs import minutes, registry
from jobs.models import Mark, Minute
from tests.history import fill
from tests.plans import read_by_index
from tests.processes import wait_until
from tests.records import OOPS, claim, enqueue, enqueue_plenty, own_connection

QUEUES = ["critical", "default"]
MINUTE = timedelta(minutes=1)


def move_back(connection, span: timedelta) -> None:
    """As if all that has happened so far had happened this much earlier, in the middle of a minute."""
    earlier = f"date_trunc('minute', statement_timestamp() - interval '5 seconds') - interval '{span.seconds - 30} s'"
    connection.execute(
        f"UPDATE idempotency_record SET created_at = {earlier},"
        f" finished_at = CASE WHEN finished_at IS NOT NULL THEN {earlier} END"
    )
    connection.execute(f"UPDATE idempotency_attempt SET finished_at = {earlier}")


def counted(connection, queue="default"):
    """Oldest first: enqueued, succeeded, failed, dead, retried."""
    columns = "enqueued, succeeded, failed_permanent, dead_lettered, retried"
    return connection.execute(
        f"SELECT {columns} FROM jobs_minute WHERE queue = %s ORDER BY minute", (queue,)
    ).fetchall()


def catch_up(connection) -> int:
    """Count until nothing is left; returns in how many goes."""
    goes = 1
    while minutes.count(connection, QUEUES):
        goes += 1
    return goes


def about(minutes_: int) -> set[int]:
    """One is not counted in its first seconds, and another may end while a test runs."""
    return {minutes_ - 1, minutes_, minutes_ + 1}


def one_of_each(connection) -> None:
    """Of eight jobs three succeed, one fails, two are dead-lettered, one is tried again, and one waits."""
    enqueue_plenty(connection, 1, max_attempts=2)
    (first,) = claim(connection)
    enqueue_plenty(connection, 7, max_attempts=1)
    batch = claim(connection, 6)
    transitions.succeed(connection, batch[:3], ["null"] * 3)
    transitions.fail(connection, batch[3], OOPS)
    transitions.dead_letter(connection, batch[4], reason=Reason.POISON, problem=OOPS)
    transitions.retry(connection, batch[5], delay=timedelta(0), problem=OOPS)  # its last attempt
    transitions.retry(connection, first, delay=timedelta(0), problem=OOPS)


def test_a_minute_tells_what_came_what_ended_how_and_what_is_tried_again(own):
    one_of_each(own)
    move_back(own, MINUTE)
    catch_up(own)
    assert counted(own)[-1] == (8, 3, 1, 2, 1)
    assert counted(own, "critical")[-1] == (0, 0, 0, 0, 0), "a quiet minute is counted too"


def missed(connection, queue="default"):
    rows = connection.execute("SELECT missed FROM jobs_minute WHERE queue = %s ORDER BY minute", (queue,)).fetchall()
    return rows[-1][0]


def test_what_was_given_up_was_missed_but_for_what_a_person_cancelled(own):
    one_of_each(own)
    own.execute("UPDATE idempotency_record SET reason = 'cancelled' WHERE state = 'failed_permanent'")
    move_back(own, MINUTE)
    catch_up(own)
    assert missed(own) == 2


@pytest.mark.parametrize(("waited", "found"), [(5, 0), (11, 1)])
def test_a_critical_job_that_succeeds_eleven_minutes_after_it_was_due_was_missed(own, waited, found):
    enqueue(own, None, queue="critical")
    transitions.succeed(own, claim(own, queue="critical"), ["null"])
    move_back(own, MINUTE)
    own.execute("UPDATE idempotency_record SET available_at = finished_at - %s", (waited * MINUTE,))
    catch_up(own)
    assert missed(own, "critical") == found


@pytest.mark.parametrize(("waited", "found"), [(5, 0), (11, 1)])
def test_a_job_that_was_tried_again_is_late_from_its_first_attempt_on(own, waited, found):
    enqueue(own, None, queue="critical")
    (first,) = claim(own, queue="critical")
    transitions.retry(own, first, delay=timedelta(0), problem=OOPS)
    transitions.succeed(own, claim(own, queue="critical"), ["null"])
    move_back(own, MINUTE)
    own.execute("UPDATE idempotency_record SET available_at = finished_at")
    own.execute("UPDATE idempotency_attempt SET started_at = finished_at - %s", (waited * MINUTE,))
    catch_up(own)
    assert missed(own, "critical") == found


def test_a_queue_without_a_deadline_has_no_late_jobs(own):
    enqueue(own, None)
    transitions.succeed(own, claim(own), ["null"])
    move_back(own, MINUTE)
    own.execute("UPDATE idempotency_record SET available_at = finished_at - interval '1 day'")
    catch_up(own)
    assert missed(own) == 0


def test_it_tells_how_deep_the_queue_is_how_long_jobs_wait_and_how_busy_its_workers_are(own):
    enqueue_plenty(own, 100)
    own.execute("UPDATE idempotency_record SET available_at = statement_timestamp() - interval '10 seconds'")
    own.execute("UPDATE idempotency_record SET available_at = statement_timestamp() - interval '1 hour'"
                " WHERE id IN (SELECT id FROM idempotency_record LIMIT 4)")  # fmt: skip
    registry.report(own, name="w1", pid=1, queues=["default", "critical"], tasks={}, slots=4, busy=3)
    registry.report(own, name="w2", pid=2, queues=["critical"], tasks={}, slots=2, busy=0)
    catch_up(own)
    depth, age, busy, slots = own.execute(
        "SELECT depth, age, busy, slots FROM jobs_minute WHERE queue = 'default' ORDER BY minute DESC LIMIT 1"
    ).fetchone()
    assert (depth, busy, slots) == (100, 3, 4)
    assert 10 <= age < 60, "four of a hundred have waited longer"


def test_after_an_outage_what_was_missed_is_made_up_for_but_for_what_nobody_saw(own):
    enqueue_plenty(own, 3)
    move_back(own, 20 * MINUTE)
    own.execute("INSERT INTO jobs_minute (minute, queue, enqueued, succeeded, failed_permanent, dead_lettered, retried)"
                " SELECT date_trunc('minute', now()) - interval '40 minutes', 'default', 0, 0, 0, 0, 0")  # fmt: skip
    assert catch_up(own) > 2, "in small goes, so that no hint waits for long"
    counts = counted(own)
    assert len(counts) in about(40)
    assert (3, 0, 0, 0, 0) in counts[-20:-18]
    depths = own.execute("SELECT depth FROM jobs_minute WHERE queue = 'default' ORDER BY minute").fetchall()
    assert {depth for (depth,) in depths[:-1]} == {None}
    assert depths[-1] == (3,)


def test_the_first_relay_of_all_begins_with_the_first_thing_that_happened(own):
    enqueue_plenty(own, 3)
    move_back(own, 20 * MINUTE)
    assert catch_up(own) in {2, 3}
    assert len(counted(own)) in about(20)
    assert counted(own)[0] == (3, 0, 0, 0, 0)


def test_the_first_relay_of_all_counts_the_last_day_and_no_more(own):
    enqueue_plenty(own, 2)
    (oldest, newer) = own.execute("SELECT id FROM idempotency_record").fetchall()
    for id_, hours in ((oldest, 30), (newer, 23)):
        own.execute(f"UPDATE idempotency_record SET created_at = now() - interval '{hours} hours' WHERE id = %s", id_)
    catch_up(own)
    assert len(counted(own)) in about(23 * 60)
    assert sum(row[0] for row in counted(own)) == 1


def test_where_nothing_has_happened_the_first_relay_counts_one_minute(own):
    assert catch_up(own) == 1
    assert counted(own) == [(0, 0, 0, 0, 0)]


def test_relays_that_count_at_the_same_time_count_each_minute_once(transactional_db):
    with own_connection() as connection:
        one_of_each(connection)
        move_back(connection, MINUTE)
        start = Barrier(6)

        def relay(_):
            with own_connection() as own:
                start.wait()
                return catch_up(own)

        with ThreadPoolExecutor(6) as pool:
            list(pool.map(relay, range(6)))
        wait_until(lambda: minutes.count(connection, QUEUES) is False)
        assert sum(row[0] for row in counted(connection)) == 8
        twice = "SELECT minute FROM jobs_minute GROUP BY minute HAVING count(*) <> 2"
        assert connection.execute(twice).fetchall() == []


def test_what_was_counted_stays_as_it_is(own):
    catch_up(own)
    enqueue_plenty(own, 5)
    move_back(own, MINUTE)
    catch_up(own)
    assert sum(row[0] for row in counted(own)) == 0


def test_a_relay_that_comes_late_to_a_minute_leaves_it_as_it_is(own):
    """One that had looked what is due before another one's count was committed."""
    enqueue_plenty(own, 5)
    move_back(own, MINUTE)
    catch_up(own)
    before = counted(own)
    (newest,) = own.execute("SELECT max(minute) FROM jobs_minute").fetchone()
    own.execute("UPDATE idempotency_record SET queue = 'critical'")
    span = {"since": newest, "until": newest + MINUTE, "is_newest": True}
    own.execute(minutes.COUNT, minutes.parameters(QUEUES) | span)
    assert counted(own) == before


def test_while_one_relay_counts_the_others_go_on_with_their_work(committing):
    with own_connection() as other, other.transaction():
        other.execute("SELECT pg_advisory_xact_lock(hashtextextended('jobs minutes', 0))")
        assert minutes.count(committing, QUEUES) is False
        assert counted(committing) == []
    minutes.count(committing, QUEUES)
    assert len(counted(committing)) == 1


def test_minutes_older_than_a_week_are_forgotten(own):
    catch_up(own)
    own.execute("UPDATE jobs_minute SET minute = minute - interval '7 days' WHERE queue = 'critical'")
    minutes.forget(own)
    assert counted(own, "critical") == []
    assert len(counted(own)) == 1


def test_counting_reads_what_ended_in_these_minutes_and_never_the_whole_table(own):
    fill(own, QUEUES, finished=60_000, live=5_000)
    end = "date_trunc('minute', now())"
    since, until = own.execute(f"SELECT {end} - interval '10 minutes', {end}").fetchone()
    asked = minutes.parameters(QUEUES) | {"since": since, "until": until, "is_newest": True}
    used = read_by_index(own, minutes.COUNT, asked)
    assert {"record_created", "record_finished", "attempt_finished", "record_lined"} <= used


def test_a_relay_counts_while_it_relays(spawn_relay):
    spawn_relay()
    wait_until(Minute.objects.filter(queue="critical").exists, message="a minute is counted")


def test_a_deploy_leaves_a_mark(db, capsys):
    call_command("jobs", "mark", "deploy 1.2.3")
    assert "marked: deploy 1.2.3" in capsys.readouterr().out
    assert Mark.objects.get().text == "deploy 1.2.3"
