"""Settings that the peers which live in Django share."""

import os
from urllib.parse import unquote, urlsplit

_url = urlsplit(os.environ["DATABASE_URL"])
_who, _, _where = _url.netloc.rpartition("@")
_user, _, _password = _who.partition(":")
_host, _, _port = _where.partition(":")  # nothing of it lowered, as `hostname` would: it may be a socket's path
SECRET_KEY = "for benchmarks alone"
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "HOST": unquote(_host),
        "PORT": _port,
        "USER": _user,
        "PASSWORD": _password,
        "NAME": _url.path[1:],
        "CONN_MAX_AGE": None,
    }
}
INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth"]
