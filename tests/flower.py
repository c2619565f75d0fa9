"""Flower, for tests that look at it."""

import sys
from base64 import b64encode
from collections.abc import Mapping
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

USER, PASSWORD = "operator", "for tests alone"
COMMAND = (sys.executable, "-m", "celery", "-A", "config", "flower")


def basic() -> dict[str, str]:
    return {"Authorization": "Basic " + b64encode(f"{USER}:{PASSWORD}".encode()).decode()}


def answers(address: str, headers: Mapping[str, str] = {}) -> int:
    """The status of its answer; 0 where nobody answers."""
    try:
        with urlopen(Request(address, headers=dict(headers))) as response:
            return response.status
    except HTTPError as error:
        return error.code
    except URLError:
        return 0
