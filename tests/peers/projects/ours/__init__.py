from ours.celery_app import app

__all__ = ["app"]
