"""A file system of a few megabytes that a test fills up to the last byte: a tmpfs, so that no real disk is at risk.

Root mounts it. Anybody else makes it in a namespace of his own, and reaches it through the process that lives there.
"""

import os
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path

SIZE = "16m"
PIECE = bytes(65536)
# Says that it is there, and lives until its input ends.
HOLD = 'mount -t tmpfs -o mode=0777,size="$1" small "$2" && echo mounted && exec cat >/dev/null'


class CannotMountError(Exception):
    """The kernel lets us have no file system of our own, with its words."""


class SmallDisk:
    """`path` is where it is. It goes with `close()`, or with this process."""

    def __init__(self, place: Path) -> None:
        """`place` is a directory that nobody needs."""
        place.mkdir()
        self._place, self._holder = place, None
        if os.geteuid() == 0:
            _mount(place)
            self.path = place
        else:
            self._holder = _hold(place)
            self.path = Path(f"/proc/{self._holder.pid}/root{place}")

    def fill(self) -> None:
        """Write until the kernel says that there is no space left."""
        with suppress(OSError), (self.path / "ballast").open("wb", buffering=0) as ballast:
            while True:
                ballast.write(PIECE)

    def free(self) -> None:
        (self.path / "ballast").unlink(missing_ok=True)

    def close(self) -> None:
        if self._holder:
            self._holder.kill()
            self._holder.communicate()
        else:
            subprocess.run(["umount", "--lazy", self._place], check=True)


def _mount(place: Path) -> None:
    command = ["mount", "-t", "tmpfs", "-o", f"mode=0777,size={SIZE}", "small", str(place)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise CannotMountError(done.stderr.strip())


def _hold(place: Path) -> subprocess.Popen[str]:
    if not (unshare := shutil.which("unshare")):
        raise CannotMountError("unshare is missing")
    command = [unshare, "--user", "--map-root-user", "--mount", "sh", "-c", HOLD, "sh", SIZE, str(place)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    holder = subprocess.Popen(command, text=True, **pipes)
    assert holder.stdout
    if holder.stdout.readline() != "mounted\n":
        holder.kill()
        raise CannotMountError(holder.communicate()[1].strip())
    return holder
