"""The supervisor: a process that owns one throwaway server, and leaves nothing of it behind.

``server.py`` starts it in a session of its own, so that Ctrl-C in a terminal does not reach it.
Orders come as lines of JSON through stdin, and each but the last gets an answer on stdout. When the
orders end, however the parent died, the supervisor stops the server and removes its folder. When the
supervisor itself is killed, Linux tells the server to quit, and the next supervisor sweeps the folder up.

To let a server outlive the one who started it would take no more than another source of orders.
Like ``data_dir.py``, this file needs nothing but the standard library: it starts in 50 ms.
"""

import contextlib
import json
import os
import re
import select
import signal
import socket
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NoReturn

from migplan.postgres.data_dir import (
    Account,
    SupervisorError,
    is_free,
    lock,
    private_folder,
    sweep,
    usable_binaries,
)

SOCKET_PORT = 5432
PORT_ATTEMPTS = 5
START_SECONDS = 60.0
LOG_LINES = 20

# How to stop, from the gentle to the last resort, and how long each may take. An immediate stop has
# five seconds before PostgreSQL itself kills the last of its children.
STOPS = (
    ("fast", signal.SIGINT, 5.0),
    ("immediate", signal.SIGQUIT, 7.0),
    ("kill", signal.SIGKILL, 5.0),
)

ENDINGS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class Parent:
    """The process at the other end of stdin and stdout."""

    def orders(self) -> Iterator[dict[str, Any]]:
        """Each order, until the parent closes the pipe or dies."""
        for line in sys.stdin:
            yield json.loads(line)

    def answer(self, **values: object) -> None:
        """Answer an order; that nobody listens any more is noticed when the orders end."""
        with contextlib.suppress(BrokenPipeError):
            print(json.dumps(values), flush=True)

    def wait_until(self, done: Callable[[], bool], what: str) -> None:
        """Wait for something to be done, for as long as there is someone who wants it."""
        deadline = time.monotonic() + START_SECONDS
        while not done():
            if time.monotonic() > deadline:
                raise SupervisorError(f"{what} took more than {START_SECONDS:.0f} seconds")
            # A parent says nothing while it waits for an answer, so this can only be its end.
            if select.select([sys.stdin], [], [], 0.01)[0]:
                sys.exit()


class Cluster:
    """A database cluster in the supervisor's folder, and the server that runs it, if it runs."""

    def __init__(self, folder: Path, account: Account, bin_: Path, parent: Parent) -> None:
        self.data = folder / "data"
        self.socket = folder / "socket"
        self.log = folder / "log"
        self.account = account
        self.bin = bin_
        self.parent = parent
        self.port = SOCKET_PORT
        self.process: subprocess.Popen[bytes] | None = None

    def create(self, superuser: str, password: str | None, settings: Mapping[str, str]) -> None:
        """Run initdb and write the settings; with a password, the server will listen on TCP."""
        for private in (self.data, self.socket):
            private.mkdir(mode=0o700)
            self._give(private)
        command: list[str | Path] = [self.bin / "initdb", "-D", self.data, "-U", superuser]
        command += ["--no-sync", "--encoding=UTF8", "--locale=C"]
        command += ["--auth-local=trust", "--auth-host=scram-sha-256"]
        with self._password_file(password) as options:
            process = self._start(*command, *options)
            try:
                self.parent.wait_until(lambda: process.poll() is not None, "initdb")
            finally:
                process.kill()
                process.wait()
        if process.returncode != 0:
            raise SupervisorError("initdb failed", log=self.log_tail())
        self.log.unlink()  # a server's log begins with the server
        self._set(settings)
        if password is None:
            self._set({"listen_addresses": "", "unix_socket_directories": str(self.socket)})
            self._set({"port": str(self.port)})
        else:
            self._set({"listen_addresses": "127.0.0.1", "unix_socket_directories": ""})

    def start_on_free_port(self) -> None:
        """Start on a loopback port; another process may take it first, and then on another one."""
        for attempt in range(1, PORT_ATTEMPTS + 1):
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                self.port = probe.getsockname()[1]
            self._set({"port": str(self.port)})
            try:
                self.start()
            except SupervisorError as error:
                if attempt == PORT_ATTEMPTS or "could not bind" not in error.answer["log"]:
                    raise
            else:
                return

    def start(self) -> None:
        """Start the server, and return when it takes connections."""
        if self.process is not None and not _ends(self.process):
            raise SupervisorError("the server runs already")
        is_free(self.data, 10)  # a killed postmaster's children may take a moment to notice
        process = self.process = self._start(self.bin / "postgres", "-D", self.data)
        self.parent.wait_until(
            lambda: self._is_ready(process) or process.poll() is not None, "the start of the server"
        )
        if process.poll() is not None:
            raise SupervisorError("the server did not start", log=self.log_tail())

    def stop(self, mode: str) -> None:
        """Stop the server in the given mode, and in harsher ones when it does not obey."""
        first = [name for name, _, _ in STOPS].index(mode)
        for _, number, seconds in STOPS[first:]:
            if self.process is None or self.process.poll() is not None:
                return
            self.process.send_signal(number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(seconds)

    @property
    def state(self) -> dict[str, object]:
        """What the parent wants to know of it."""
        pid = self.process.pid if self.process is not None else None
        return {"folder": str(self.data.parent), "port": self.port, "pid": pid}

    def log_tail(self) -> str:
        """The last lines that the server wrote."""
        with contextlib.suppress(OSError):
            lines = self.log.read_text("utf-8", "replace").splitlines()
            return "\n".join(lines[-LOG_LINES:])
        return ""

    def _is_ready(self, process: subprocess.Popen[bytes]) -> bool:
        # The eighth line is what pg_ctl itself waits for.
        with contextlib.suppress(OSError):
            lines = (self.data / "postmaster.pid").read_text().split("\n")
            return lines[0] == str(process.pid) and lines[7:8] == ["ready   "]
        return False

    def _start(self, *command: str | Path) -> subprocess.Popen[bytes]:
        """Start a program of the server that shares the lock of the data folder as it lives."""
        shared = lock(self.data)
        if shared is None:
            raise SupervisorError("processes of the last server still use its data folder")
        log = os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            return self.account.start(
                *command, stdout=log, stderr=log, pass_fds=(shared,), cwd=self.data.parent
            )
        finally:
            os.close(log)
            os.close(shared)

    def _set(self, settings: Mapping[str, str]) -> None:
        # The last word holds in this file, and so it does in PostgreSQL.
        with (self.data / "postgresql.conf").open("a", encoding="utf-8") as file:
            file.writelines(f"{name} = {_quoted(value)}\n" for name, value in settings.items())

    @contextlib.contextmanager
    def _password_file(self, password: str | None) -> Iterator[list[str]]:
        """Options that lead initdb to the password; a command line is seen by everyone."""
        if password is None:
            yield []
            return
        file = self.data.parent / "password"
        file.touch(mode=0o600)
        try:
            file.write_text(password + "\n", encoding="utf-8")
            self._give(file)
            yield [f"--pwfile={file}"]
        finally:
            file.unlink()

    def _give(self, path: Path) -> None:
        if self.account.is_other:
            os.chown(path, self.account.uid, self.account.gid)


def _ends(process: subprocess.Popen[bytes]) -> bool:
    """Whether a process has ended: one that was killed lingers a moment, and its clients know before us."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(0.5)
    return process.returncode is not None


def _quoted(value: str) -> str:
    escaped = re.sub(r"[\\']", r"\\\g<0>", value).replace("\n", r"\n")
    return f"'{escaped}'"


def keep(parent: Parent, order: Mapping[str, Any]) -> None:
    """Set up the server that the first order asks for, and follow the others to their end."""
    account = Account.for_servers()
    with private_folder(order["roots"], account) as folder:
        bin_ = usable_binaries(Path(order["bin"]), account, folder)
        cluster = Cluster(folder, account, bin_, parent)
        mode = "fast"
        try:
            cluster.create(order["superuser"], order["password"], order["settings"])
            if order["password"] is None:
                cluster.start()
            else:
                cluster.start_on_free_port()
            mode = follow(parent, cluster)
        finally:
            ignore_signals()
            cluster.stop(mode)


def follow(parent: Parent, cluster: Cluster) -> str:
    """Tell that the server runs, and follow orders; the answer is how to stop in the end."""
    parent.answer(**cluster.state)
    for order in parent.orders():
        try:
            if order["do"] == "end":
                return str(order["mode"])
            if order["do"] == "halt":
                cluster.stop(order["mode"])
            elif order["do"] == "resume":
                cluster.start()
            parent.answer(**cluster.state)
        except SupervisorError as error:
            parent.answer(**error.answer)
    return "fast"


def main() -> None:
    """Keep a server, or only sweep up after supervisors that were killed."""
    os.umask(0o022)
    for number in ENDINGS:
        signal.signal(number, leave)
    parent = Parent()
    order = next(parent.orders(), None)
    if order is None:
        return
    try:
        sweep(order["roots"])
        if order["do"] == "keep":
            keep(parent, order)
    except SupervisorError as error:
        parent.answer(**error.answer)
    except Exception as error:
        # There is no terminal here: whatever it is, the parent has to say it.
        place = traceback.extract_tb(error.__traceback__)[-1]
        said = f"{type(error).__name__}: {error} ({place.name}, line {place.lineno})"
        parent.answer(error="the supervisor of the server failed", log=said)


def leave(number: int, _frame: object) -> NoReturn:
    """Leave as if the orders had ended."""
    ignore_signals()
    sys.exit(128 + number)


def ignore_signals() -> None:
    """Let nothing disturb the cleaning up."""
    for number in ENDINGS:
        signal.signal(number, signal.SIG_IGN)
