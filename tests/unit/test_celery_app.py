"""Whose settings Celery follows."""

import os
import subprocess
import sys

from tests.processes import ROOT

ASK = """
import django
django.setup()
from config.celery import app
print(app.conf.broker_heartbeat, app.conf.worker_prefetch_multiplier, app.conf.accept_content)
"""


def test_a_projects_celery_settings_win_over_this_packages_defaults() -> None:
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings", "TESTS_SILENCE": "3"}
    done = subprocess.run(
        [sys.executable, "-c", ASK], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout == "3 1 ['json']\n"
