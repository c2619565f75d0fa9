"""Who PostgreSQL runs as: it refuses root, and a machine is not to be changed for a demo.

Root first enters a user namespace in which it is called `nobody`; files and rights stay as they are. Where namespaces
are refused (a chroot, most containers) the program's files are copied to where `nobody` can read them.
"""

import ctypes
import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from config.embedded.children import LIBC
from config.embedded.places import make_place

CLONE_NEWUSER = 0x10000000
# It has to exist in /etc/passwd, because initdb asks for its name.
NOBODY = 65534


@dataclass(frozen=True)
class Identity:
    """Where the program's files are, where its data may lie, and how a child becomes its user."""

    programs: Path
    home: Path
    become: Callable[[], None] | None = None
    options: dict[str, Any] = field(default_factory=dict)

    def take(self, path: Path) -> None:
        """Give a directory of ours to this identity, and open the way to it."""
        if "user" in self.options:
            os.chown(path, self.options["user"], self.options["group"])
            path.parent.chmod(0o711)


def choose(installed: Path, directory: Path) -> Identity:
    """Return the first identity under which the program in `installed` runs with its data in `directory`."""
    if os.geteuid() != 0:
        return Identity(installed, directory)
    renamed = Identity(installed, directory, enter_user_namespace)
    return renamed if runs(renamed) else dropped(installed)


def dropped(installed: Path) -> Identity:
    """Copy the program to a place of nobody's own: the way to `installed` may be closed to all but root."""
    place = make_place()
    programs = place / installed.relative_to(installed.parent.parent)
    shutil.copytree(installed, programs, symlinks=True)
    # The wheel's own libraries lie beside the package, and the programs look for them there.
    for libraries in installed.parent.parent.glob(f"{installed.parent.name}.libs"):
        shutil.copytree(libraries, place / libraries.name)
    home = place / "home"
    home.mkdir(mode=0o700)
    identity = Identity(programs, home, None, {"user": NOBODY, "group": NOBODY, "extra_groups": []})
    identity.take(home)
    return identity


def runs(identity: Identity) -> bool:
    """Tell whether the kernel lets us be this identity, and the identity read the program."""
    try:
        subprocess.run(
            [identity.programs / "bin" / "postgres", "--version"],
            capture_output=True,
            check=True,
            preexec_fn=identity.become,
        )
    except (OSError, subprocess.SubprocessError):
        return False
    return True


def enter_user_namespace() -> None:
    """Make this process `nobody` in its own eyes, while the kernel keeps treating it as who it is."""
    user, group = os.geteuid(), os.getegid()
    if LIBC.unshare(CLONE_NEWUSER):
        raise OSError(ctypes.get_errno(), "unshare(CLONE_NEWUSER) refused")
    for name, line in (
        ("setgroups", "deny"),
        ("uid_map", f"{NOBODY} {user} 1"),
        ("gid_map", f"{NOBODY} {group} 1"),
    ):
        Path(f"/proc/self/{name}").write_text(line)
