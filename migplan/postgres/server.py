"""Throwaway servers: a fresh PostgreSQL cluster in a second, and nothing left of it afterwards.

::

    with ThrowawayServer() as server, psycopg.connect(server.conninfo()) as connection:
        ...

The server belongs to a supervisor, a process of its own (``supervisor.py``), which stops it and removes its
folder when told so and when this process ends, in whatever way it ends.
"""

import atexit
import contextlib
import json
import logging
import os
import re
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Any, Literal, NotRequired, Self, TypedDict
from urllib.parse import quote

from psycopg import sql

from migplan.errors import LaunchError, MigplanError
from migplan.postgres import address
from migplan.postgres.binaries import Installation, find_server
from migplan.postgres.session import connect

log = logging.getLogger(__name__)

Mode = Literal["fast", "immediate"]

# Nobody minds the loss of this data, so nothing waits for a disk; and a load should not be slowed
# down by checkpoints. Parallel queries share memory in files of the data folder, because what lies
# in /dev/shm would stay there after a kill.
THROWAWAY: Mapping[str, str] = MappingProxyType(
    {
        "fsync": "off",
        "synchronous_commit": "off",
        "full_page_writes": "off",
        "shared_buffers": "128MB",
        "maintenance_work_mem": "128MB",
        "max_wal_size": "2GB",
        "checkpoint_timeout": "30min",
        "dynamic_shared_memory_type": "mmap",
    }
)

# How the server is reached is not a setting: it follows from where it lives and from ``tcp``.
_OURS = frozenset({"listen_addresses", "port", "unix_socket_directories", "data_directory"})
_SETTING = re.compile(r"[A-Za-z_][\w$]*(\.[A-Za-z_][\w$]*)?")

# Not ``-m``: isolated from the environment and from site-packages the supervisor starts in 50 ms, and
# the folder of migplan comes last on its path, so that nothing beside migplan can hide a module of
# the standard library.
_SUPERVISOR = "import sys; sys.path.append(sys.argv[1]); from migplan.postgres.supervisor import main; main()"
_NOT_OF_EXTENSIONS = frozenset("\"$'\\")
"""What no name of an extension's owner may have: initdb makes plpgsql, and fails with such a superuser."""
_INSTEAD = "migplan_initdb"
_STOP_SECONDS = 45.0


class Params(TypedDict):
    """What ``psycopg.connect(**params)`` takes."""

    host: str
    port: str
    user: str
    dbname: str
    password: NotRequired[str]


def first_superuser(name: str) -> str:
    """Return for whom initdb is to make a cluster in which a superuser of a name runs everything."""
    return _INSTEAD if _NOT_OF_EXTENSIONS & {*name} else name


class ThrowawayServer:
    """A PostgreSQL server of its own, on a private unix socket or, with ``tcp``, on loopback.

    On the socket everyone is trusted who can reach it, which only its OS user can. Loopback is open
    to everyone on the machine: there it takes a random password.
    """

    def __init__(
        self,
        installation: Installation | None = None,
        *,
        settings: Mapping[str, str] | None = None,
        tcp: bool = False,
        superuser: str = "postgres",
    ) -> None:
        self.installation = installation or find_server()
        self.settings = {**THROWAWAY, **(settings or {})}
        self.superuser = superuser
        self._password = secrets.token_urlsafe(24) if tcp else None
        self._roots = [tempfile.gettempdir(), "/tmp"]  # noqa: S108  # when the first is too long
        self._supervisor: subprocess.Popen[str] | None = None
        self._starter = 0
        self._state: dict[str, Any] = {}

    def __repr__(self) -> str:
        state = f"pid {self.pid}, {self.folder}" if self._state else "not running"
        return f"<ThrowawayServer {self.installation}: {state}>"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Create the cluster and start it; LaunchError with the log's last lines if that fails."""
        if self._supervisor is not None:
            raise LaunchError("this server was started already")
        self._refuse_settings()
        self._supervisor = self._start_supervisor()
        self._starter = os.getpid()
        atexit.register(self.stop)
        try:
            self._ask(
                do="keep",
                roots=self._roots,
                bin=str(self.installation.bin),
                superuser=first_superuser(self.superuser),
                password=self._password,
                settings=self.settings,
            )
            self._make_superuser()
        except MigplanError:
            self.stop()
            raise
        log.info("throwaway server %d, PostgreSQL %d, is up", self.pid, self.installation.major)

    def _make_superuser(self) -> None:
        if first_superuser(self.superuser) == self.superuser:
            return
        where = address.parse(self.conninfo(user=first_superuser(self.superuser), password=self._password))
        made = sql.SQL("CREATE ROLE {} LOGIN SUPERUSER CREATEDB CREATEROLE REPLICATION BYPASSRLS PASSWORD {}")
        with connect(where) as session:
            statement = made.format(sql.Identifier(self.superuser), self._password)
            session.ask(statement, during="making the superuser of the throwaway server")

    def stop(self, mode: Mode = "fast") -> None:
        """Stop the server and remove every trace of it; harmless when there is none."""
        if self._supervisor is None or os.getpid() != self._starter:
            return  # a fork of the process that started it must not end it
        try:
            with contextlib.suppress(OSError):
                self._tell(do="end", mode=mode)
        finally:
            self._dismiss()
        log.info("throwaway server is gone")

    def halt(self, mode: Mode = "fast") -> None:
        """Stop the server but keep its data, as an outage would."""
        self._ask(do="halt", mode=mode)

    def resume(self) -> None:
        """Start the server again after :meth:`halt`, or after it crashed, on its own address."""
        self._ask(do="resume")

    def restart(self, mode: Mode = "fast") -> None:
        """Stop the server and start it again with the same data, on the same address."""
        self.halt(mode)
        self.resume()

    @property
    def pid(self) -> int:
        """The process that started last as this server's postmaster."""
        return int(self._running("pid"))

    @property
    def folder(self) -> Path:
        """The private folder that holds all there is of it."""
        return Path(self._running("folder"))

    def params(
        self, dbname: str = "postgres", user: str | None = None, password: str | None = None
    ) -> Params:
        """How to reach a database, as keywords for ``psycopg.connect``."""
        params = Params(
            host=str(self.folder / "socket") if self._password is None else "127.0.0.1",
            port=str(self._running("port")),
            user=user or self.superuser,
            dbname=dbname,
        )
        if password is None and params["user"] == self.superuser:
            password = self._password
        if password is not None:
            params["password"] = password
        return params

    def conninfo(self, dbname: str = "postgres", user: str | None = None, password: str | None = None) -> str:
        """How to reach a database, as a URL; on TCP it contains the password."""
        params = self.params(dbname, user, password)
        who = quote(params["user"], safe="")
        if "password" in params:
            who += ":" + quote(params["password"], safe="")
        database = quote(dbname, safe="")
        if self._password is not None:
            return f"postgresql://{who}@{params['host']}:{params['port']}/{database}"
        socket = quote(params["host"], safe="/")
        return f"postgresql://{who}@/{database}?host={socket}&port={params['port']}"

    def create_database(self, name: str, *, template: str = "template1") -> str:
        """Create a database, and return its conninfo."""
        where = address.parse(self.conninfo())
        statement = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
        with connect(where) as session:
            session.autocommit = True
            made = statement.format(sql.Identifier(name), sql.Identifier(template))
            session.ask(made, during=f"creating the database {name}")
        return self.conninfo(name)

    def log_tail(self, lines: int = 20) -> str:
        """The last lines that the server wrote to its log."""
        text = (self.folder / "log").read_text("utf-8", "replace")
        return "\n".join(text.splitlines()[-lines:])

    def _running(self, key: str) -> Any:
        if not self._state:
            raise self._not_started()
        return self._state[key]

    def _not_started(self) -> LaunchError:
        return LaunchError("this server was not started", do="call start(), or use it in a with block")

    def _refuse_settings(self) -> None:
        for name in self.settings:
            if name.lower() in _OURS or not _SETTING.fullmatch(name):
                raise LaunchError(
                    f"{name!r} is not a setting that a throwaway server takes",
                    do="check its name; where the server listens is chosen by tcp alone",
                )

    def _ask(self, **order: object) -> None:
        """Give the supervisor an order, and wait for its answer."""
        if self._supervisor is None or self._supervisor.stdout is None:
            raise self._not_started()
        try:
            with contextlib.suppress(BrokenPipeError):
                self._tell(**order)
            line = self._supervisor.stdout.readline()
        except BaseException:
            # Interrupted: a late answer would be taken for that to the next order.
            self._dismiss()
            raise
        if not line:
            code = self._supervisor.wait()
            self._dismiss()
            raise LaunchError(f"the supervisor of the server ended unexpectedly, with code {code}")
        answer = json.loads(line)
        if "error" in answer:
            raise LaunchError(answer["error"], do=answer.get("do", ""), log=answer.get("log", ""))
        self._state = answer

    def _tell(self, **order: object) -> None:
        assert self._supervisor is not None
        assert self._supervisor.stdin is not None
        self._supervisor.stdin.write(json.dumps(order) + "\n")
        self._supervisor.stdin.flush()

    def _dismiss(self) -> None:
        """Close the pipe, which ends the supervisor, and see to it that nothing is left."""
        assert self._supervisor is not None
        supervisor, self._supervisor = self._supervisor, None
        folder, self._state = self._state.get("folder"), {}
        atexit.unregister(self.stop)
        try:
            with contextlib.suppress(OSError):
                supervisor.stdin.close()  # type: ignore[union-attr]  # it is a pipe
            supervisor.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            supervisor.kill()
            supervisor.wait()
        finally:
            supervisor.stdout.close()  # type: ignore[union-attr]
        if folder and Path(folder).exists():
            self._sweep()

    def _start_supervisor(self) -> subprocess.Popen[str]:
        if sys.platform == "win32":
            raise LaunchError("throwaway servers need Linux or macOS", do="name a running server")
        home = Path(__file__).resolve().parents[2]
        return subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", _SUPERVISOR, str(home)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd="/",
            start_new_session=True,
            text=True,
            encoding="ascii",
        )

    def _sweep(self) -> None:
        """Have another supervisor remove what a supervisor that was killed left behind."""
        with self._start_supervisor() as supervisor:
            supervisor.communicate(json.dumps({"do": "sweep", "roots": self._roots}) + "\n")
