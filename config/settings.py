"""Settings of the reference project: everything that differs between machines comes from the environment."""

import os
import sys
from datetime import timedelta
from pathlib import Path

import dj_database_url

BASE_DIR = Path(__file__).resolve().parent.parent
DEBUG = os.environ.get("DJANGO_DEBUG") == "1"
SECRET_KEY = os.environ.get("DJANGO_SECRET_KEY") or ("debug-only" if DEBUG else "")
ALLOWED_HOSTS = os.environ.get("DJANGO_ALLOWED_HOSTS", "localhost,127.0.0.1").split(",")

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_celery_beat",
    "idempotency",
    "jobs",
    "jobs.schedules",
    "billing_sync",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
STATIC_URL = "static/"
WHITENOISE_USE_FINDERS = True
USE_TZ = True
TIME_ZONE = "UTC"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

DATABASES = {
    "default": dj_database_url.parse(
        os.environ.get("DATABASE_URL", "postgresql://localhost/billing"),
        conn_max_age=600,
        conn_health_checks=True,
    )
}

# A process that freezes inside a transaction would hold its records for ever; this is below the lease.
DATABASES["default"].setdefault("OPTIONS", {})["options"] = "-c idle_in_transaction_session_timeout=30s"

EMAIL_BACKEND = os.environ.get("DJANGO_EMAIL_BACKEND", "django.core.mail.backends.console.EmailBackend")
EMAIL_FILE_PATH = os.environ.get("DJANGO_EMAIL_FILE_PATH")
DEFAULT_FROM_EMAIL = "billing@example.com"
BILLING_DIGEST_TO = os.environ.get("BILLING_DIGEST_TO", "billing-team@example.com")

# JSON lines, but for the eyes of whoever started the process by hand.
LOGGING_CONFIG = "jobs.logs.configure"
LOGGING = {"style": os.environ.get("LOG_STYLE") or ("terminal" if sys.stderr.isatty() else "json")}

CELERY_BROKER_URL = os.environ.get("BROKER_URL", "redis://localhost:6379/0")

# A bound is what its workers do in a few hours: more would only wait, and who enqueues it should hear of that.
JOBS_BATCH_SIZE = int(os.environ.get("JOBS_BATCH_SIZE", "200"))
JOBS_QUEUES = {
    "critical": {"owner": "billing", "criticality": "critical", "latency_target": timedelta(seconds=1)},
    "default": {"owner": "platform", "latency_target": timedelta(seconds=30), "bound": 100_000},
    "billing-sync": {"owner": "billing", "latency_target": timedelta(minutes=5), "bound": 100_000},
    "bulk-import": {
        "owner": "billing",
        "criticality": "bulk",
        "latency_target": timedelta(minutes=30),
        "bound": 1_000_000,
    },
}

# What its contract allows; a second bill for too many calls is the dearest way to find out.
JOBS_VENDORS = {"ledgerly": {"calls_per_second": 200, "burst": 20}}

LEDGERLY_URL = os.environ.get("LEDGERLY_URL", "http://127.0.0.1:8400")
LEDGERLY_API_KEY = os.environ.get("LEDGERLY_API_KEY", "")
LEDGERLY_TIMEOUT = timedelta(milliseconds=int(os.environ.get("LEDGERLY_TIMEOUT_MS", "10000")))
