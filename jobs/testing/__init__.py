"""Tools for the tests of an application that uses `jobs`. Nothing here is imported in production."""

from jobs.testing.boundaries import Boundary, boundary
from jobs.testing.errors import CrashSweepError, CrashSweepFailed
from jobs.testing.report import Sweep, Violation
from jobs.testing.sweep import crash_sweep

__all__ = ["Boundary", "CrashSweepError", "CrashSweepFailed", "Sweep", "Violation", "boundary", "crash_sweep"]
