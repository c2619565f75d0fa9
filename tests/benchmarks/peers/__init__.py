"""The callers, workers and settings of each contender; all but ours and Celery's run in environments of their own."""
