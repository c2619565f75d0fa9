"""Debian's servers beside the wheels' ones: what they are, whether they are here, and how they get here.

The list below is the only place that names a package of the system.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

POLICY = Path("/usr/sbin/policy-rc.d")
APT = ("apt-get", "-o", "DPkg::Lock::Timeout=300", "-qq")

# package: a file that is there once it is installed
PACKAGES = {
    "postgresql": "/usr/lib/postgresql/*/bin/postgres",
    "redis-server": "/usr/bin/redis-server",
    # Not the program in /usr/sbin, which becomes the system's user first.
    "rabbitmq-server": "/usr/lib/rabbitmq/bin/rabbitmq-server",
    "libfaketime": "/usr/lib/*/faketime/libfaketimeMT.so.1",
    "chromium": "/usr/bin/chromium",
    "prometheus": "/usr/bin/promtool",
    "prometheus-alertmanager": "/usr/bin/amtool",
    "fonts-dejavu-core": "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf",
}


def installed(package: str) -> Path | None:
    """The file that stands for the package, the newest version's where there are several."""
    found = sorted(Path("/").glob(PACKAGES[package].lstrip("/")))
    return found[-1] if found else None


def program(package: str) -> Path:
    """The same, where it must be there."""
    found = installed(package)
    assert found, f"Debian's {package} is not installed"
    return found


def missing() -> list[str]:
    return [package for package in PACKAGES if not installed(package)]


def may_install() -> bool:
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def install(packages: list[str]) -> None:
    """Install the packages without starting, or leaving started, any service.

    Raises:
        subprocess.CalledProcessError: apt could not; its own words have been printed.
    """
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    with nothing_starts():
        subprocess.run([*APT, "update"], env=quiet, check=True)
        command = [*APT, "install", "-y", "--no-install-recommends", *packages]
        subprocess.run(command, env=quiet, check=True, stdout=subprocess.DEVNULL)


@contextmanager
def nothing_starts() -> Iterator[None]:
    """Debian starts a service when its package is installed, on a default port, unless this file forbids it."""
    if POLICY.exists():
        yield
        return
    POLICY.write_text("#!/bin/sh\nexit 101\n")
    POLICY.chmod(0o755)
    try:
        yield
    finally:
        POLICY.unlink(missing_ok=True)
