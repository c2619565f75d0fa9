"""Throughput against stock Celery, measured in one interleaved run: `python -m tests.benchmarks --quick`."""
