"""The worker side: a hint arrives, a batch is claimed, each job runs through Celery's tracer and is settled."""
