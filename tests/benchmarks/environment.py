"""What the harness tells the programs it starts, by the names of their environment variables."""

COUNTER = "BENCHMARK_COUNTER"  # path of the file that counts bodies
STOCK_BROKER = "BENCHMARK_STOCK_BROKER"  # URL
SENTRY = "BENCHMARK_SENTRY"  # set: report to a Sentry that is not there, at rate 0
RETENTION = "BENCHMARK_RETENTION"  # seconds that succeeded records are kept; not set: as in the project
PREPARED = "BENCHMARK_PREPARED"  # set: PostgreSQL plans each query of Django's connection once
TUNED = "BENCHMARK_TUNED"  # set: stock Celery with the settings of its page on optimizing
# Port 9 is the one that throws everything away, and nobody listens.
SENTRY_ADDRESS = "http://key@127.0.0.1:9/1"
# Of Django's connection, where PREPARED is set.
QUERIES_PREPARED = {"server_side_binding": True, "prepare_threshold": 5}
