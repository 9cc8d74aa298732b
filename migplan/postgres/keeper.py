"""The keeper: a process that owns one throwaway server, and leaves nothing of it behind.

``server.py`` starts this file as a program of its own, in a session of its own, so that Ctrl-C in a
terminal does not reach it. Orders come as lines of JSON through stdin, answers go to stdout. When
stdin ends, however the parent died, the keeper stops the server and removes its folder. When the
keeper itself is killed, Linux tells the server to quit, and the next keeper sweeps the folder up.

Two locks say who is alive, because the kernel gives them up with their last owner. The keeper holds
one on its folder; the processes of the server share one on its ``data`` folder. To let a server
outlive its parent would take no more than another source of orders than stdin.

Only the standard library is imported, and nothing of migplan: that is why it starts in 50 ms.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import json
import os
import pwd
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

PREFIX = "migplan-pg-"
SOCKET_PORT = 5432
# The longest path of a unix socket that the kernel takes, and what we and PostgreSQL add to a root.
SOCKET_PATH_LIMIT = 103 if sys.platform == "darwin" else 107
SOCKET_PATH_TAIL = len(f"/{PREFIX}1234567-abcdefgh/socket/.s.PGSQL.{SOCKET_PORT}")

# The server sees these variables and no others: a PGDATA would confuse it, and the environment of a
# process that belongs to another OS user is no place for the parent's secrets.
ENVIRONMENT = ("PATH", "TZ", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")

START_SECONDS = 60.0
STOP_SIGNALS = {"fast": signal.SIGINT, "immediate": signal.SIGQUIT}
# An immediate stop takes five seconds by itself before PostgreSQL kills the last of its children.
STOP_SECONDS = {signal.SIGINT: 5.0, signal.SIGQUIT: 7.0, signal.SIGKILL: 5.0}

LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None
PR_SET_PDEATHSIG = 1


class Failure(Exception):
    """What the parent will raise as a LaunchError."""

    def __init__(self, what: str, *, do: str = "", log: str = "") -> None:
        super().__init__(what)
        self.answer = {"error": what, "do": do, "log": log}


class Parent:
    """The process at the other end of stdin and stdout."""

    def orders(self) -> Iterator[dict[str, Any]]:
        """Each order, until the parent closes the pipe or dies."""
        for line in sys.stdin:
            yield json.loads(line)

    def answer(self, **values: object) -> None:
        """Answer the order; a parent that is gone is noticed when its orders end."""
        with contextlib.suppress(BrokenPipeError):
            print(json.dumps(values), flush=True)

    def wait_for(self, done: Callable[[], bool], seconds: float, what: str) -> None:
        """Wait, but not for longer than there is someone who wants the outcome."""
        deadline = time.monotonic() + seconds
        while not done():
            if time.monotonic() > deadline:
                raise Failure(f"{what} took more than {seconds:.0f} seconds")
            # A parent says nothing while it waits for an answer, so this can only be the end.
            if select.select([sys.stdin], [], [], 0.01)[0]:
                sys.exit()


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
            return cls(os.geteuid(), os.getegid(), str(os.geteuid()))
        for name in ("postgres", "nobody"):
            with contextlib.suppress(KeyError):
                entry = pwd.getpwnam(name)
                return cls(entry.pw_uid, entry.pw_gid, name)
        raise Failure(
            "PostgreSQL refuses to run as root, and there is no OS user postgres or nobody",
            do="add an OS user named postgres, or run migplan as an ordinary user",
        )

    @property
    def is_other(self) -> bool:
        """Whether this is someone else than we are."""
        return self.uid != os.geteuid()

    def start(self, *command: str | Path, **options: Any) -> subprocess.Popen[bytes]:
        """Start a program as this user, to die with the keeper."""
        if self.is_other:
            options |= {"user": self.uid, "group": self.gid, "extra_groups": []}
        keeper = os.getpid()
        environment = {key: os.environ[key] for key in ENVIRONMENT if key in os.environ}
        try:
            return subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                env=environment | {"LC_ALL": "C"},
                # Safe here: the keeper has one thread, and Linux counts the death of a thread.
                preexec_fn=lambda: _die_with(keeper),  # noqa: PLW1509
                **options,
            )
        except (OSError, subprocess.SubprocessError) as error:
            raise Failure(f"{command[0]} cannot be started as OS user {self.name}: {error}") from None

    def can(self, *command: str | Path) -> bool:
        """Whether a short command succeeds for this user."""
        silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        try:
            with self.start(*command, **silent) as process:
                return process.wait() == 0
        except Failure:
            return False


def _die_with(keeper: int) -> None:
    if LIBC is not None:
        LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGQUIT)
        if os.getppid() != keeper:  # it died before it could be watched
            os._exit(1)


def lock(folder: Path) -> int | None:
    """Take the folder's lock, as a file descriptor; None when a living process has it."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Between our look and our lock someone may have removed it.
        if os.path.sameopenfile(descriptor, descriptor) and folder.stat().st_nlink:
            return descriptor
    except OSError:
        pass
    os.close(descriptor)
    return None
