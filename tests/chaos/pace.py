"""The chaos profile: production's rules at a pace that lets a fault, and what follows from it, pass within seconds."""

from datetime import timedelta

LEASE = 3.0  # seconds
LIMITS = (1.5, 2.0)  # seconds, soft and hard
# Below the lease: a frozen process must lose its row locks before its jobs are given to another.
IDLE_IN_TRANSACTION = 2.0  # seconds
RETRIES = {"max_attempts": 20, "base": timedelta(milliseconds=50), "cap": timedelta(milliseconds=500)}
RECOVERY_LIMIT = LEASE + 10.0  # seconds
QUEUE = "default"
