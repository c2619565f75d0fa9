"""The worker side: a hint arrives, a batch is claimed, each job runs as Celery would run it and is settled."""
