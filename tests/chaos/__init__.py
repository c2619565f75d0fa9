"""Chaos: real processes under load, faults drawn from a seed, and a judge that knows nothing of the code.

`python -m tests.chaos --help`; docs/chaos.md says what is done to whom, and what came of it.
"""
