"""Where one run of the demo lives: its directory, its ports, its passwords, and the environment made of them."""

import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path

from config.demo import profile
from config.embedded import Postgres, Valkey
from config.embedded.places import make_place
from config.embedded.valkey import free_port

USER = "admin"


def password() -> str:
    """Make a password that can be typed."""
    return secrets.token_hex(6)


@dataclass(frozen=True)
class Place:
    """One run. Everything in it goes when the run ends."""

    directory: Path = field(default_factory=make_place)
    web_port: int = field(default_factory=free_port)
    flower_port: int = field(default_factory=free_port)
    vendor_port: int = field(default_factory=free_port)
    password: str = field(default_factory=password)
    vendor_key: str = field(default_factory=secrets.token_urlsafe)

    def __post_init__(self) -> None:
        """Make the directories that programs write to."""
        for directory in (self.logs, self.mail, self.scratch):
            directory.mkdir()

    @property
    def logs(self) -> Path:
        """One log per program."""
        return self.directory / "logs"

    @property
    def mail(self) -> Path:
        """What would have been sent."""
        return self.directory / "mail"

    @property
    def scratch(self) -> Path:
        """Where programs put their temporary files: a killed one cannot remove its own."""
        return self.directory / "tmp"

    @property
    def ledger(self) -> Path:
        """The vendor's own book of what it did."""
        return self.directory / "ledger.sqlite3"

    @property
    def admin_url(self) -> str:
        """Django admin."""
        return f"http://127.0.0.1:{self.web_port}/admin/"

    @property
    def flower_url(self) -> str:
        """Flower."""
        return f"http://127.0.0.1:{self.flower_port}/"

    def postgres(self) -> Postgres:
        """Return this run's database, not yet started."""
        idle = f"{profile.milliseconds(profile.IDLE_IN_TRANSACTION)}ms"
        return Postgres(self.directory / "postgres", settings={"idle_in_transaction_session_timeout": idle})

    def valkey(self) -> Valkey:
        """Return this run's broker, not yet started."""
        return Valkey(self.directory / "valkey")

    def environment(self, postgres: Postgres, valkey: Valkey) -> dict[str, str]:
        """Return what every program of the run is told."""
        return {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "config.demo.settings",
            "DJANGO_SECRET_KEY": secrets.token_urlsafe(40),
            "DJANGO_EMAIL_BACKEND": "django.core.mail.backends.filebased.EmailBackend",
            "DJANGO_EMAIL_FILE_PATH": str(self.mail),
            "DATABASE_URL": postgres.url,
            "BROKER_URL": valkey.url,
            "LEDGERLY_URL": f"http://127.0.0.1:{self.vendor_port}",
            "LEDGERLY_API_KEY": self.vendor_key,
            "TMPDIR": str(self.scratch),
            "DEMO_WEB_ADDRESS": f"127.0.0.1:{self.web_port}",
            "FLOWER_BASIC_AUTH": f"{USER}:{self.password}",
            # A program's last words must be in its log when it dies.
            "PYTHONUNBUFFERED": "1",
        }
