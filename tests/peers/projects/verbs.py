"""`python -m verbs PROJECT VERB …`: a scenario asks a function of the project's driver; one line of JSON answers."""

import json
import os
import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any


def main(project: str, verb: str, *words: str) -> None:
    if "DJANGO_SETTINGS_MODULE" in os.environ:
        import django

        django.setup()
    act = migrate if verb == "migrate" else getattr(import_module(f"{project}.driver"), verb)
    print(json.dumps(act(*words), default=str))


def migrate() -> None:
    if "DJANGO_SETTINGS_MODULE" in os.environ:
        from django.core.management import call_command

        call_command("migrate", verbosity=0)


def post_as_viewer(url: str, action: str, primary_key: Any) -> int:
    """The HTTP status of an admin action posted by somebody who may look and nothing else."""
    from django.contrib.auth import get_user_model
    from django.contrib.auth.models import Permission
    from django.test import Client

    user = get_user_model().objects.create_user("viewer", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__startswith="view_"))
    client = Client()
    client.force_login(user)
    posted = {"action": action, "_selected_action": [str(primary_key)]}
    return int(client.post(url, posted).status_code)


def rows_kept(ask_twice: Callable[[], None]) -> dict[str, Any]:
    """Business rows that survive a duplicate caught inside the caller's transaction, of two."""
    from django.contrib.auth.models import Group
    from django.db import transaction

    said = None
    try:
        with transaction.atomic():
            Group.objects.create(name="before")
            ask_twice()
            Group.objects.create(name="after")
    except Exception as error:  # noqa: BLE001 - whatever the system makes of it is the observation
        said = f"{type(error).__name__}: {error}".splitlines()[0]
    return {"kept": Group.objects.count(), "said": said}


if __name__ == "__main__":
    main(*sys.argv[1:])
