"""How many records a claim takes: a hundred times its own cost, and a second of work at most."""

from jobs import conf
from jobs.worker.pace import FIRST, TARGET, WORTH, Pace

DEAR = 0.05  # seconds of a claim that is worth more than a batch may hold


def after(rounds, seconds_per_job, pace=None, claiming=DEAR):
    pace = pace or Pace()
    for _ in range(rounds):
        pace.ran(pace.size, pace.size * seconds_per_job, claiming)
    return pace


def test_it_begins_small_and_doubles_while_claims_come_back_full():
    assert [after(n, 0.0001).size for n in range(4)] == [FIRST, FIRST * 2, FIRST * 4, FIRST * 8]


def test_it_never_exceeds_the_batch_size():
    assert after(20, 0).size == conf.batch_size()


def test_a_claim_that_came_back_short_does_not_grow_the_next():
    pace = Pace()
    pace.ran(1, 0.001, DEAR)
    assert pace.size == FIRST


def test_a_claim_holds_about_a_second_of_work_at_most():
    assert after(30, 0.1).size == TARGET / 0.1


def test_a_claim_that_is_cheap_holds_less():
    assert after(30, 0.005, claiming=0.002).size == WORTH * 0.002 / 0.005


def test_jobs_longer_than_a_second_are_claimed_one_by_one():
    assert after(3, 5).size == 1


def test_it_recovers_when_jobs_become_short_again():
    assert after(60, 0.001, after(5, 2)).size > 50
