"""Makes the environment in `.venv` from a lock file, once, and becomes the command that was asked for.

It runs on a bare Debian: standard library only, and nothing is needed beforehand but Python with venv and pip.
uv is used because it is ten times faster; pip installs the same lock wherever uv cannot.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, NoReturn

CHECKOUT = Path(__file__).resolve().parent.parent
LOCKS = CHECKOUT / "requirements"
VENV = CHECKOUT / ".venv"
PYTHON = VENV / "bin" / "python"
MACHINE = Path(sys.executable)
# Outside site-packages, so that a sync to the project's lock never removes the tool that performs it.
TOOLS = VENV / "tools"
STAMP = VENV / "installed"
# The end of an installer's output, where its reason stands.
REASON_LINES = 10


class Command(NamedTuple):
    """What a script beside this file runs, and the locks that satisfy it: the first is what gets installed."""

    module: str
    locks: tuple[str, ...]


COMMANDS = {
    "demo": Command("config.demo", ("run.lock", "test.lock")),
    "test": Command("tests.run", ("test.lock",)),
}


class SetupError(Exception):
    """The environment cannot be made; the message is one sentence with the remedy."""


def main(arguments: list[str]) -> NoReturn:
    """Run `demo` or `test` with the caller's own arguments and directory."""
    if not arguments or arguments[0] not in COMMANDS:
        sys.exit(f"boot: say one of {', '.join(COMMANDS)}, then its arguments")
    command = COMMANDS[arguments[0]]
    try:
        if not satisfied(command):
            prepare(command)
    except SetupError as error:
        sys.exit(f"boot: {error}")
    become(command.module, arguments[1:])


def become(module: str, arguments: list[str]) -> NoReturn:
    """Replace this process, so that signals reach the command and no parent is left to be killed without it."""
    paths = [str(CHECKOUT), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "VIRTUAL_ENV": str(VENV)}
    environment["PATH"] = os.pathsep.join([str(PYTHON.parent), os.environ.get("PATH", os.defpath)])
    # -P: the caller's directory is not searched, where a `config` of its own might lie.
    os.execve(PYTHON, [str(PYTHON), "-P", "-m", module, *arguments], environment)


def satisfied(command: Command) -> bool:
    """Tell whether `.venv` holds what one of the command's locks says, with a Python that still runs."""
    return stamp() in [expected_stamp(lock) for lock in command.locks] and runs(PYTHON)


def prepare(command: Command) -> None:
    """Install the command's lock, one process at a time: two syncs of one directory leave neither result."""
    with exclusively():
        if satisfied(command):
            return
        lock = lock_to_install(command)
        STAMP.unlink(missing_ok=True)
        if not runs(PYTHON):
            make_venv()
        install(lock)
        written = STAMP.with_suffix(".new")
        written.write_text(expected_stamp(lock))
        written.replace(STAMP)


@contextmanager
def exclusively() -> Iterator[None]:
    """Hold the checkout's set-up lock; the system gives it back however this process ends."""
    path = CHECKOUT / "var" / "boot.lock"
    path.parent.mkdir(exist_ok=True)
    with path.open("a") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("waiting for another set-up of this checkout")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def lock_to_install(command: Command) -> str:
    """Keep a test environment a test environment, also when its lock has changed since."""
    installed = stamp().partition(" ")[0]
    return installed if installed in command.locks else command.locks[0]


def stamp() -> str:
    """Return what the last finished set-up wrote; empty when none did."""
    try:
        return STAMP.read_text()
    except OSError:
        return ""


def expected_stamp(lock: str) -> str:
    """Return the stamp of a lock installed for the Python that `.venv` has."""
    digest = hashlib.sha256((LOCKS / lock).read_bytes()).hexdigest()
    return f"{lock} {digest} {venv_version()}\n"


def venv_version() -> str:
    """Read the environment's Python version from its own note, which costs no process."""
    try:
        lines = (VENV / "pyvenv.cfg").read_text().splitlines()
    except OSError:
        return "none"
    notes = dict(line.partition(" = ")[::2] for line in lines)
    return notes.get("version") or notes.get("version_info") or "unknown"


def runs(python: Path) -> bool:
    """Tell whether an interpreter starts: an upgraded system can leave `.venv/bin/python` pointing nowhere."""
    try:
        return subprocess.run([python, "-S", "-c", ""], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def make_venv() -> None:
    """Build an empty `.venv`, without a pip of its own: installing one would take longer than all the rest."""
    say(f"making .venv with Python {sys.version.split()[0]}")
    shutil.rmtree(VENV, ignore_errors=True)  # what an interrupted set-up left of it
    try:
        run([str(MACHINE), "-m", "venv", "--without-pip", str(VENV)])
    except subprocess.CalledProcessError as error:
        raise SetupError(f"{MACHINE} cannot make .venv. {no_venv_remedy()}\n{error.output}") from error


def no_venv_remedy() -> str:
    """Say what to do where Python came without its venv module, as Debian's does."""
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    return f"Install its venv module (Debian: apt-get install python{version}-venv) and run this again."


def install(lock: str) -> None:
    """Bring `.venv` to the lock, with the first installer that can."""
    failures = []
    for name, installer in INSTALLERS.items():
        say(f"installing requirements/{lock} with {name}")
        try:
            return installer(LOCKS / lock)
        except subprocess.CalledProcessError as error:
            said = error.output.strip().splitlines()[-REASON_LINES:]
            failures.append("\n".join([f"{name}:", *said]))
            say(f"{name} could not")
    reasons = "\n".join(failures)
    raise SetupError(
        f"requirements/{lock} could not be installed. Check the network and pip's index setting.\n{reasons}"
    )


def with_uv(lock: Path) -> None:
    """Sync `.venv` to the lock by uv, itself installed from a lock of its own."""
    uv = TOOLS / "bin" / "uv"
    if not runs_uv(uv):
        tools = str(LOCKS / "tools.lock")
        pip("install", "--target", str(TOOLS), "--upgrade", "--no-deps", "--require-hashes", "-r", tools)
    sync = [uv, "pip", "sync", "--quiet", "--compile-bytecode", "--python", PYTHON, "--require-hashes", lock]
    run([str(word) for word in sync], uv_environment())


def with_pip(lock: Path) -> None:
    """Install the same lock by pip; slower, and what the lock no longer names stays behind."""
    give_pip()
    pip("install", "--require-hashes", "-r", str(lock))


INSTALLERS: dict[str, Callable[[Path], None]] = {"uv": with_uv, "pip": with_pip}


def runs_uv(uv: Path) -> bool:
    """Tell whether the uv of the tools' lock is there and starts on this machine."""
    pinned = (LOCKS / "tools.lock").read_text().split()[0].removeprefix("uv==")
    try:
        said = subprocess.run([uv, "--version"], capture_output=True, text=True, check=False).stdout
    except OSError:
        return False
    return said.split()[1:2] == [pinned]


def uv_environment() -> dict[str, str]:
    """Let uv use the index and certificates that only pip was told of, and never fetch an interpreter of its own."""
    environment = {**pip_settings(), **os.environ, "UV_PYTHON_DOWNLOADS": "never"}
    if not os.access(Path.home(), os.W_OK):
        environment.setdefault("UV_CACHE_DIR", str(VENV / "cache"))
    return environment


def pip_settings() -> dict[str, str]:
    """Return what pip's files and environment say of the network, under the names by which uv reads it."""
    names = {"index-url": "UV_DEFAULT_INDEX", "cert": "SSL_CERT_FILE"}
    settings = (line.partition("=") for line in pip("config", "list").splitlines())
    told = {name.rpartition(".")[2]: value.strip("'\"") for name, _, value in settings}
    return {names[name]: value for name, value in told.items() if name in names}


def pip(*arguments: str) -> str:
    """Run the environment's pip, or the machine's where only a directory is to be filled."""
    if not any(map(has_pip, (PYTHON, MACHINE))):
        give_pip()
    python = PYTHON if has_pip(PYTHON) else MACHINE
    # PIP_USER: a machine's configuration may ask for --user, which an environment refuses.
    quiet = {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1", "PIP_USER": "0"}
    return run([str(python), "-m", "pip", *arguments], {**os.environ, **quiet})


def has_pip(python: Path) -> bool:
    """Tell whether an interpreter comes with pip."""
    asked = subprocess.run([python, "-m", "pip", "--version"], capture_output=True, check=False)
    return asked.returncode == 0


def give_pip() -> None:
    """Put pip into the environment, unless it is there."""
    if not has_pip(PYTHON):
        try:
            run([str(PYTHON), "-m", "ensurepip"])
        except subprocess.CalledProcessError as error:
            raise SetupError(f"There is no pip for {MACHINE}. {no_venv_remedy()}\n{error.output}") from error


def run(command: list[str], environment: Mapping[str, str] = os.environ) -> str:
    """Run a command to its end and return what it printed; its output is shown only when it fails."""
    pipe, joined = subprocess.PIPE, subprocess.STDOUT
    done = subprocess.run(command, env=environment, stdout=pipe, stderr=joined, text=True, check=False)
    if done.returncode:
        raise subprocess.CalledProcessError(done.returncode, command, output=done.stdout)
    return done.stdout


def say(text: str) -> None:
    """Report progress where it cannot mix with the command's own output."""
    print(f"boot: {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
