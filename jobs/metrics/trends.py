"""Where it is going: how fast a promise is used up, how old jobs will be, how the tables grow."""

from collections.abc import Iterator

from idempotency.statements import Connection
from jobs import conf
from jobs.metrics.catalogue.words import RELATIONS, WINDOWS
from jobs.metrics.samples import Sample, sample

AHEAD = 900  # seconds: what somebody needs who is told, looks, and starts more workers
LOOKED_AT = 5  # minutes: two points make a line of any noise

MISSED = """
SELECT queue, w.name, sum(missed), sum(succeeded + failed_permanent + dead_lettered)
FROM unnest(%(names)s::text[], %(spans)s::int[]) AS w (name, span)
JOIN jobs_minute ON minute >= date_trunc('minute', statement_timestamp()) - w.span * interval '1 second'
GROUP BY queue, w.name
"""
# Seconds from now are small numbers: squares of moments would lose what a slope is made of.
FORECAST = """
SELECT queue, greatest(0, regr_intercept(age, at) + regr_slope(age, at) * %(ahead)s) FROM (
    SELECT queue, age, extract(epoch FROM minute + interval '1 minute' - statement_timestamp())::float8 AS at
    FROM jobs_minute
    WHERE minute >= date_trunc('minute', statement_timestamp()) - interval '15 minutes' AND age IS NOT NULL
) AS lately GROUP BY queue HAVING count(*) >= %(looked_at)s
"""
TABLES = """
SELECT relname, pg_total_relation_size(relid), n_live_tup, n_dead_tup FROM pg_stat_user_tables
WHERE relid = ANY(ARRAY(SELECT to_regclass(name)::oid FROM unnest(%(relations)s::text[]) AS known (name)))
"""


def objective(connection: Connection) -> Iterator[Sample]:
    """Per window, what was missed: a share and a number, because a share of few jobs says nothing."""
    with connection.cursor() as cursor:
        cursor.execute(MISSED, {"names": list(WINDOWS), "spans": list(WINDOWS.values())})
        found = cursor.fetchall()
    for queue, window, missed, ended in found:
        if ended and queue in conf.queues():
            labels = {"queue": queue, "criticality": conf.criticality(queue), "window": window}
            yield sample("jobs_slo_missed_ratio", missed / ended, **labels)
            yield sample("jobs_slo_missed", missed, **labels)


def forecast(connection: Connection) -> Iterator[Sample]:
    with connection.cursor() as cursor:
        cursor.execute(FORECAST, {"ahead": AHEAD, "looked_at": LOOKED_AT})
        found = cursor.fetchall()
    for queue, age in found:
        if queue in conf.queues():
            yield sample("jobs_forecast_age_seconds", age, queue=queue, criticality=conf.criticality(queue))


def tables(connection: Connection) -> Iterator[Sample]:
    with connection.cursor() as cursor:
        cursor.execute(TABLES, {"relations": list(RELATIONS)})
        found = cursor.fetchall()
    for relation, size, rows, dead in found:
        yield sample("jobs_table_bytes", size, relation=relation)
        yield sample("jobs_table_rows", rows, relation=relation)
        yield sample("jobs_table_dead_rows", dead, relation=relation)
