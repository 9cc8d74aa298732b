"""The PostgreSQL servers that the tests talk to: throwaway ones, containers, or one that somebody named."""

from __future__ import annotations

import itertools
import os
import re
import shlex
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import LiteralString, Protocol

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from migplan import demo
from migplan.postgres import address
from migplan.postgres.address import Address
from migplan.postgres.binaries import Installation, find_installations
from migplan.postgres.server import ThrowawayServer

WANTED = (15, 16, 17, 18)
"""The versions that ``make test`` runs on, as far as their binaries can be had."""

IMAGES = os.environ.get(
    "MIGPLAN_TEST_IMAGES",
    ",".join(f"docker.io/library/postgres:{version}" for version in range(13, 19)),
)
"""The images of ``make test-containers``, separated by commas."""


QUIET = {"autovacuum": "off", "jit": "off"}
"""Settings of servers whose databases live for a second: there is nothing to clean up, or worth compiling."""

SHARED_MEMORY = Path("/dev/shm")
ENOUGH = 6 << 30
"""How many bytes of memory must be free for the servers of all workers to live there."""

MakeDatabase = Callable[[str], Address]
"""What the fixtures of databases give: make one from a script."""


def live_in_memory() -> None:
    """Make servers in a folder that never reaches a disk, if there is one; other files stay where they were.

    CREATE DATABASE writes a thousand files, and a disk takes much longer for them than for what is in them.
    """
    place = _memory()
    if place is not None:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", tempfile.gettempdir())  # that of tmp_path
        os.environ["TMPDIR"] = tempfile.tempdir = place


def _memory() -> str | None:
    """The folder of files in memory; None where there is none, or too little room in it.

    Containers often have 64 MB of it, from which no program may be started.
    """
    try:
        found = os.statvfs(SHARED_MEMORY)
        free = re.search(r"^MemAvailable: +(\d+) kB", Path("/proc/meminfo").read_text(), re.MULTILINE)
    except OSError:
        return None
    room = min(found.f_bavail * found.f_frsize, int(free[1]) << 10 if free else 0)
    return str(SHARED_MEMORY) if room >= ENOUGH and not found.f_flag & os.ST_NOEXEC else None


class Origin(Protocol):
    """Where a server comes from; starting it is put off until a test wants it."""

    @property
    def name(self) -> str:
        """What the reports of pytest call it."""
        ...

    def start(self, stack: ExitStack) -> str:
        """Start the server for as long as the stack lives, and say how a superuser reaches it."""
        ...


@dataclass
class Throwaway:
    """A server of our own."""

    installation: Installation

    @property
    def name(self) -> str:
        return f"{self.installation.major}"

    def start(self, stack: ExitStack) -> str:
        server = ThrowawayServer(self.installation, settings=QUIET | {"max_connections": "60"})
        stack.callback(server.stop, "immediate")  # nobody wants what a checkpoint would save
        server.start()
        return server.conninfo()


@dataclass
class Container:
    """An official image, or one that answers to the same variables."""

    image: str

    @property
    def name(self) -> str:
        return self.image.rpartition(":")[2]

    def start(self, stack: ExitStack) -> str:
        from testcontainers.community.postgres import PostgresContainer  # noqa: PLC0415 - needed only here

        container = PostgresContainer(self.image, username="postgres", dbname="postgres", driver=None)
        return str(stack.enter_context(container).get_connection_url())


@dataclass
class Named:
    """A server of somebody's own, whose databases with other names than ours are left alone."""

    url: str
    name: str = "named"

    def start(self, _: ExitStack) -> str:
        return self.url


@dataclass
class Own:
    """A server of a module's own, which its tests may stop."""

    name: str
    settings: dict[str, str] = field(default_factory=dict)
    tcp: bool = False
    superuser: str = "postgres"

    def start(self, stack: ExitStack) -> str:
        wanted = ThrowawayServer(settings=QUIET | self.settings, tcp=self.tcp, superuser=self.superuser)
        self.server = stack.enter_context(wanted)
        return self.server.conninfo()


@dataclass
class Server:
    """A server under test. Databases are made and dropped freely; everything else stays as it is."""

    origin: Origin
    stack: ExitStack
    _conninfo: str = ""
    _numbers: Iterator[int] = field(default_factory=itertools.count)
    _demo: str = ""
    ends: bool = False  # all tests have run
    _kept: psycopg.Connection | None = None

    @property
    def conninfo(self) -> str:
        """How a superuser reaches its maintenance database."""
        if not self._conninfo:
            self._conninfo = self.origin.start(self.stack)
        return self._conninfo

    @cached_property
    def version(self) -> int:
        """As ``server_version_num``."""
        with self.connect() as connection:
            return connection.info.server_version

    @property
    def major(self) -> int:
        return self.version // 10000

    def connect(self, **params: str) -> psycopg.Connection:
        """A superuser's connection in autocommit mode."""
        return psycopg.connect(make_conninfo(self.conninfo, **params), autocommit=True)

    def address(self, dbname: str, **params: str) -> Address:
        """The address of one of its databases."""
        return address.parse(self.url(dbname, **params))

    def url(self, dbname: str, **params: str) -> str:
        """The same as a connection string, password included, for a command line."""
        return make_conninfo(self.conninfo, dbname=dbname, **params)

    def typed(self, dbname: str) -> str:
        """The same as it stands in a command to be pasted: without the password."""
        return shlex.quote(self.address(dbname).without_password(self.url(dbname)))

    @contextmanager
    def superuser(self, password: str) -> Iterator[str]:
        """The name of a superuser with this password, for as long as the block runs."""
        with self.connect() as connection:
            name = sql.Identifier("migplan_test_superuser")
            connection.execute(
                sql.SQL("CREATE ROLE {} SUPERUSER LOGIN PASSWORD {}").format(name, sql.Literal(password))
            )
            try:
                yield "migplan_test_superuser"
            finally:
                connection.execute(sql.SQL("DROP OWNED BY {}; DROP ROLE {}").format(name, name))

    def create_database(self, script: str = "", template: str = "template0") -> str:
        """A database of its own for a test, with what the script makes in it; its name."""
        name = f"migplan_test_{os.getpid()}_{next(self._numbers)}"
        statement = sql.SQL("CREATE DATABASE {} TEMPLATE {}" + self._strategy)
        self._maintain(statement.format(sql.Identifier(name), sql.Identifier(template)))
        if script:
            with self.connect(dbname=name) as connection:
                connection.execute(script.encode())
        return name

    def _maintain(self, statement: sql.Composed) -> None:
        """Run it in a connection that stays open from test to test; one's own server may stop any time."""
        if isinstance(self.origin, Own):
            with self.connect() as connection:
                connection.execute(statement)
            return
        if self._kept is None or self._kept.closed:
            self._kept = self.stack.enter_context(closing(self.connect()))
        try:
            self._kept.execute(statement)
        except psycopg.OperationalError:
            if not self._kept.closed:
                raise
            self._maintain(statement)  # a test has ended every connection

    @cached_property
    def _strategy(self) -> LiteralString:
        """Copying files is quick where nothing waits for a disk; before 15 nothing else is known."""
        return " STRATEGY file_copy" if self.version >= 150000 and not isinstance(self.origin, Named) else ""

    def make_roles(self, names: Iterable[str]) -> None:
        """The roles that are not there yet; those go after the databases that are made from now on."""
        with self.connect() as connection:
            for name in names:
                with suppress(psycopg.errors.DuplicateObject):
                    connection.execute(sql.SQL("CREATE ROLE {} NOLOGIN").format(sql.Identifier(name)))
                    self.stack.callback(self._drop_role, name)

    def _drop_role(self, name: str) -> None:
        if self.vanishes:
            return
        with self.connect() as connection:
            connection.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(name)))

    @property
    def vanishes(self) -> bool:
        """Whether it ends now, and all that is on it with it: then nothing has to be dropped."""
        return self.ends and isinstance(self.origin, Throwaway)

    def drop_database(self, name: str) -> None:
        if self.vanishes:
            return
        self._maintain(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    @cached_property
    def has_vectors(self) -> bool:
        """Whether pgvector can be installed on it."""
        with self.connect() as connection:
            found = connection.execute("SELECT FROM pg_available_extensions WHERE name = 'vector'").fetchone()
            return found is not None

    @property
    def demo(self) -> str:
        """The name of a database that holds the demo; nobody may change it."""
        if not self._demo:
            name = self.create_database()
            demo.build(self.address(name), vectors=self.has_vectors)
            self._demo = name
            self.stack.callback(self.drop_database, name)
        return self._demo


def connect(where: Address, *, autocommit: bool = True) -> psycopg.Connection:
    """A connection of a test's own, beside those of migplan."""
    return psycopg.connect(make_conninfo(**where.params), autocommit=autocommit)


def origins(database_url: str | None, containers: bool) -> list[Origin]:
    """The servers that the command line asks for, oldest first."""
    if database_url:
        return [Named(database_url)]
    if containers:
        return [Container(image.strip()) for image in IMAGES.split(",")]
    found: dict[int, Origin] = {}
    for installation in find_installations():
        if installation.major in WANTED:
            found.setdefault(installation.major, Throwaway(installation))
    return [found[major] for major in sorted(found)]


@contextmanager
def own_server(origin: Own) -> Iterator[Server]:
    """A started server of a module's own."""
    with ExitStack() as stack:
        server = Server(origin, stack)
        assert server.conninfo
        yield server


def own_of(server: Server) -> ThrowawayServer:
    """What starts and stops such a server."""
    assert isinstance(server.origin, Own)
    return server.origin.server
