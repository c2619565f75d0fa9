"""The truth: one record per job, written in the caller's transaction, changed only by guarded statements."""
