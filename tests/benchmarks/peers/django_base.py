"""Settings that the peers which live in Django share."""

import os
from urllib.parse import unquote, urlsplit

_url = urlsplit(os.environ["DATABASE_URL"])
_netloc = _url.netloc.partition("@")
SECRET_KEY = "for benchmarks alone"
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "HOST": unquote(_netloc[2]),
        "USER": _netloc[0],
        "NAME": _url.path[1:],
        "CONN_MAX_AGE": None,
    }
}
INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth"]
