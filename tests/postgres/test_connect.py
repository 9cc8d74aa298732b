"""Every way to a server, every way in which it fails, and that failures are ours and say no secret."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from migplan.errors import AddressError, ConnectError, DatabaseError, OldServerError, PrivilegeError
from migplan.postgres import session as module
from migplan.postgres.address import Address, from_environment, parse
from migplan.postgres.binaries import find_server
from migplan.postgres.failures import of_connection, of_database, translate_errors
from migplan.postgres.server import ThrowawayServer
from migplan.postgres.session import connect, reading
from migplan.postgres.versions import OLDEST, dotted
from tests.postgres.test_address import ODD, whole_story
from tests.servers import Server

pytestmark = pytest.mark.slow

PASSWORD = "S3kr1t@:/?#% '\\\"ü"
ROLE = "o'dd role"


@pytest.fixture(scope="module")
def guarded() -> Iterator[ThrowawayServer]:
    """A server on loopback that asks for passwords, with a role whose password is odd."""
    with ThrowawayServer(find_server(), tcp=True) as server:
        with psycopg.connect(server.conninfo(), autocommit=True) as connection:
            connection.execute(
                sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(
                    sql.Identifier(ROLE), sql.Literal(PASSWORD)
                )
            )
            connection.execute("CREATE ROLE nologin PASSWORD 'x'")
            connection.execute("CREATE DATABASE closed")
            connection.execute("REVOKE CONNECT ON DATABASE closed FROM PUBLIC")
            connection.execute("CREATE TABLE t (id int)")
        yield server


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for variable in list(os.environ):
        if variable.startswith("PG"):
            monkeypatch.delenv(variable)
    monkeypatch.setenv("PGPASSFILE", str(tmp_path / "nowhere"))


def who(address: Address) -> str:
    with connect(address) as connection:
        row = connection.execute("SELECT current_user").fetchone()
        assert row
        return str(row[0])


def text(server: ThrowawayServer, **params: str) -> str:
    return make_conninfo(server.conninfo(), **params)


def test_a_password_is_taken_from_the_url_and_from_keywords(guarded: ThrowawayServer) -> None:
    port = guarded.params()["port"]
    escaped = "S3kr1t%40%3A%2F%3F%23%25%20%27%5C%22%C3%BC"
    assert who(parse(f"postgresql://o%27dd%20role:{escaped}@127.0.0.1:{port}/postgres")) == ROLE
    assert who(parse(text(guarded, user=ROLE, password=PASSWORD))) == ROLE


def test_a_password_is_taken_from_the_environment(
    guarded: ThrowawayServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = guarded.params()["port"]
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    assert who(parse(f"postgresql://o%27dd%20role@127.0.0.1:{port}/postgres")) == ROLE
    for variable, value in {"PGHOST": "127.0.0.1", "PGPORT": port, "PGUSER": ROLE}.items():
        monkeypatch.setenv(variable, value)
    monkeypatch.setenv("PGDATABASE", "postgres")
    address = from_environment()
    assert address is not None
    assert who(address) == ROLE


def test_a_password_is_taken_from_the_passfile(
    guarded: ThrowawayServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    port = guarded.params()["port"]
    passfile = tmp_path / "pgpass"
    escaped = PASSWORD.replace("\\", "\\\\").replace(":", "\\:")
    passfile.write_text(f"127.0.0.1:{port}:*:{ROLE}:{escaped}\n", "utf-8")
    passfile.chmod(0o600)
    monkeypatch.setenv("PGPASSFILE", str(passfile))
    assert who(parse(f"postgresql://o%27dd%20role@127.0.0.1:{port}/postgres")) == ROLE


def test_a_service_file_says_where_to_go(
    guarded: ThrowawayServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    params = guarded.params()
    lines = "\n".join(f"{key}={value}" for key, value in params.items())
    file = tmp_path / "pg_service.conf"
    file.write_text(f"[mine]\n{lines}\n", "utf-8")
    monkeypatch.setenv("PGSERVICEFILE", str(file))
    assert who(parse("service=mine")) == params["user"]
    with pytest.raises(ConnectError, match=r"service=mine dbname=nowhere: there is no database of that name"):
        connect(parse("service=mine dbname=nowhere"))
    monkeypatch.setenv("PGSERVICE", "mine")
    address = from_environment()
    assert address is not None
    assert who(address) == params["user"]


def test_a_socket_is_named_by_its_folder(server: Server) -> None:
    with server.connect() as connection:
        row = connection.execute("SHOW unix_socket_directories").fetchone()
        assert row
        user, port = connection.info.user, connection.info.port
    folder = row[0].split(",")[0]
    if not Path(folder, f".s.PGSQL.{port}").exists():
        pytest.skip("the server's socket is not on this machine")
    address = parse(f"postgresql://{user}@/postgres?host={folder}&port={port}")
    assert who(address) == user
    assert str(address) == f"postgresql://{user}@/postgres?host={folder}&port={port}"


def test_a_session_says_that_it_is_ours_unless_told_otherwise(
    guarded: ThrowawayServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def settings(address: Address) -> tuple[str, str]:
        with connect(address) as connection:
            parameters = connection.info.get_parameters()
            return connection.info.parameter_status("application_name") or "", parameters.get(
                "connect_timeout", ""
            )

    assert settings(parse(guarded.conninfo())) == ("migplan", "15")
    assert settings(parse(text(guarded, application_name="x", connect_timeout="7"))) == ("x", "7")
    monkeypatch.setenv("PGAPPNAME", "y")
    monkeypatch.setenv("PGCONNECT_TIMEOUT", "9")
    assert settings(parse(guarded.conninfo())) == ("y", "9")


REFUSALS: dict[str, tuple[dict[str, str], str]] = {
    "a wrong password": ({"password": PASSWORD + "x"}, "the password was not accepted"),
    "no password": ({"password": ""}, "the password was not accepted"),
    "a missing role": ({"user": "nobody"}, "the password was not accepted"),
    "a missing database": ({"dbname": "no where"}, "there is no database of that name"),
    "a role that may not log in": ({"user": "nologin", "password": "x"}, "the role may not do that"),
    "a closed database": (
        {"user": ROLE, "password": PASSWORD, "dbname": "closed"},
        "the role may not do that",
    ),
    "encryption that the server lacks": (
        {"sslmode": "require"},
        "no encrypted connection could be agreed on",
    ),
    "a port where nobody listens": ({"port": "1"}, "no server answers there"),
    "a socket that is not there": ({"host": "/nowhere"}, "no server answers there"),
    "a host that is not known": ({"host": "nowhere.invalid"}, "the host's name is not known"),
    "a setting that the server does not know": ({"options": "-c statement_timeout=x"}, ""),
    "too many ports": ({"port": "1,2"}, ""),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_a_refusal_says_what_it_means(guarded: ThrowawayServer, case: str) -> None:
    params, meaning = REFUSALS[case]
    address = parse(text(guarded, **params))
    with pytest.raises(ConnectError) as refused:
        connect(address)
    error = refused.value
    assert error.what == f"cannot connect to {address}" + (f": {meaning}" if meaning else "")
    assert error.do
    assert (error.address, error.during) == (str(address), "connecting")
    assert error.detail
    story = whole_story(error)
    assert not any(secret in story for secret in address.secrets if len(secret) > 2)
    with pytest.raises(ConnectError, match="cannot connect to"), reading(address):
        pass


def test_a_missing_role_is_named_where_no_password_is_asked_for(newest: Server) -> None:
    with pytest.raises(ConnectError, match=r"there is no role of that name|the password was not accepted"):
        connect(newest.address("postgres", user="nobody at all"))


def test_a_service_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PGSERVICEFILE", str(tmp_path / "nowhere"))
    monkeypatch.setenv("PGSYSCONFDIR", str(tmp_path))
    with pytest.raises(ConnectError, match="cannot connect to service=lost") as said:
        connect(parse("service=lost"))
    assert "service" in said.value.detail


def test_a_server_that_does_not_answer_is_not_waited_for_forever() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        address = parse(f"postgresql://u:{'S3kr1t'}@127.0.0.1:{silent.getsockname()[1]}/db?connect_timeout=2")
        with pytest.raises(ConnectError, match="the server did not answer in time") as said:
            connect(address)
    assert "connect_timeout" in said.value.do


@pytest.mark.parametrize(
    "unusable",
    ["host=a..b", f"host={'a' * 70}.example", "host=h connect_timeout=soon", "host=\udcff"],
)
def test_an_address_that_libpq_cannot_use_is_said_to_be_one(unusable: str) -> None:
    with pytest.raises(AddressError):
        connect(parse(unusable))


def test_a_setting_that_libpq_does_not_know_is_an_address_error() -> None:
    with pytest.raises(AddressError, match="cannot be used as a PostgreSQL address"):
        connect(Address({"host": "127.0.0.1", "no_such_setting": "S3kr1t"}))


@pytest.mark.parametrize("password", ODD)
def test_no_password_appears_when_the_connection_fails(guarded: ThrowawayServer, password: str) -> None:
    address = parse(text(guarded, user="nobody", password=password))
    with pytest.raises(ConnectError) as refused:
        connect(address)
    assert "S3kr1t" not in whole_story(refused.value)
    with explained_error(address) as caught:
        raise psycopg.OperationalError(f"the server repeats {password} here")
    assert "S3kr1t" not in str(caught[0])


class explained_error:  # noqa: N801 - it reads like the function that it wraps
    """Run a block inside ``translate_errors`` and keep what comes out."""

    def __init__(self, address: Address) -> None:
        self._address = address
        self._caught: list[BaseException] = []

    def __enter__(self) -> list[BaseException]:
        self._block = translate_errors(self._address, "testing")
        self._block.__enter__()
        return self._caught

    def __exit__(self, kind: Any, error: Any, trace: Any) -> bool:
        try:
            self._block.__exit__(kind, error, trace)
        except BaseException as ours:
            self._caught.append(ours)
        return True


STATEMENTS: dict[str, tuple[str, type[DatabaseError], str]] = {
    "syntax": ("SELEC 1", DatabaseError, "42601"),
    "a missing table": ("SELECT * FROM public.nowhere", DatabaseError, "42P01"),
    "division": ("SELECT 1 / 0", DatabaseError, "22012"),
    "a raised error": ("DO $$BEGIN RAISE 'no' USING HINT = 'try yes'; END$$", DatabaseError, "P0001"),
    "no privilege": ("SET LOCAL ROLE nologin; SELECT * FROM public.t", PrivilegeError, "42501"),
    "a write": ("CREATE TABLE public.x ()", DatabaseError, "25006"),
    "its own end": ("SELECT pg_terminate_backend(pg_backend_pid())", DatabaseError, "57P01"),
    "a time-out": ("SET LOCAL statement_timeout = 50; SELECT pg_sleep(9)", DatabaseError, "57014"),
}


@pytest.mark.parametrize("case", STATEMENTS)
@pytest.mark.parametrize("through", ["ask", "execute"])
def test_what_a_statement_raises_becomes_an_error_of_ours(
    guarded: ThrowawayServer, case: str, through: str, caplog: pytest.LogCaptureFixture
) -> None:
    statement, kind, sqlstate = STATEMENTS[case]
    address = parse(guarded.conninfo())

    def run() -> None:
        with reading(address) as connection:
            if through == "ask":
                connection.ask(statement.encode(), during="reading")
            else:
                connection.execute(statement.encode())

    with pytest.raises(DatabaseError) as said:
        run()
    assert type(said.value) is kind
    assert said.value.sqlstate == sqlstate
    assert said.value.what.startswith("while reading, ")
    assert (said.value.during, said.value.address) == ("reading", str(address))
    assert not any(secret in whole_story(said.value) for secret in address.secrets)
    assert not caplog.records
    if case == "a raised error":
        assert said.value.do == "try yes"


@pytest.mark.parametrize(
    "raised",
    [
        psycopg.InterfaceError("the cursor is closed"),
        psycopg.OperationalError("the connection is closed"),
        psycopg.ProgrammingError("no results"),
        psycopg.DataError("out of range"),
        psycopg.errors.QueryCanceled("canceled"),
        UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_no_exception_of_a_library_gets_out(raised: Exception) -> None:
    with explained_error(parse("postgresql://u:S3kr1t@h/db")) as caught:
        raise raised
    assert isinstance(caught[0], DatabaseError)
    assert "S3kr1t" not in str(caught[0])


def test_only_a_lost_connection_is_said_to_be_lost() -> None:
    address = parse("postgresql://h/db")
    for raised, lost in (
        (psycopg.OperationalError("the connection is closed"), True),
        (psycopg.errors.AdminShutdown("terminating"), True),
        (psycopg.errors.IdleInTransactionSessionTimeout("terminating"), True),
        (psycopg.ProgrammingError("no results"), False),
        (psycopg.errors.UndefinedTable("no table"), False),
    ):
        with explained_error(address) as caught:
            raise raised
        assert ("was lost" in str(caught[0])) == lost


def test_an_error_of_ours_passes_as_it_is(guarded: ThrowawayServer) -> None:
    ours = AddressError("ours")
    with pytest.raises(AddressError) as said, reading(parse(guarded.conninfo())):
        raise ours
    assert said.value is ours
    with pytest.raises(ZeroDivisionError), reading(parse(guarded.conninfo())):
        _ = 1 / 0


def test_a_server_that_is_too_old_is_refused(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "OLDEST", 990000)
    address = server.address("postgres")
    with pytest.raises(OldServerError) as refused, reading(address):
        pass
    assert refused.value.what == (
        f"{address} is PostgreSQL {dotted(server.version)}, and migplan needs 99 or newer"
    )
    assert refused.value.address == str(address)


def test_every_server_under_test_is_new_enough(server: Server) -> None:
    assert server.version >= OLDEST
    with reading(server.address("postgres")) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


@pytest.mark.parametrize(
    ("version", "said"), [(180006, "18.6"), (130000, "13"), (90624, "9.6"), (100023, "10.23"), (80422, "8.4")]
)
def test_versions_are_said_as_people_say_them(version: int, said: str) -> None:
    assert dotted(version) == said


def test_sessions_are_closed_whatever_happens(
    newest: Server, newest_database: Callable[[str], Address]
) -> None:
    address = newest_database("")
    for fails in (False, True):
        try:
            with reading(address) as connection:
                connection.execute("SELECT 1 / 0" if fails else "SELECT 1")
        except DatabaseError:
            assert fails
    with newest.connect() as connection:
        query = "SELECT count(*) FROM pg_stat_activity WHERE datname = %s"
        for _ in range(100):
            if connection.execute(query, [address.params["dbname"]]).fetchone() == (0,):
                break
            connection.execute("SELECT pg_sleep(0.02)")
        else:
            pytest.fail("a session is left open")


@pytest.mark.parametrize(
    "said", ["invalid memory alloc request size 1200000003", "string buffer exceeds maximum allowed length"]
)
def test_rows_that_no_copy_can_print_are_explained(said: str) -> None:
    found = of_database(psycopg.errors.InternalError_(said), parse("postgresql:///db"), "reading")
    assert "each byte of a bytea takes two as text: leave the table out (--exclude)" in found.do


def test_what_servers_say_of_refusals_is_understood() -> None:
    address = parse("postgresql://titles@hostls/db")
    said = {
        "FATAL:  sorry, too many clients already": "the server has no connection to spare",
        'FATAL:  no pg_hba.conf entry for host "1.2.3.4", user "u", database "d", no encryption': (
            "the server does not admit this user from this machine"
        ),
        "SSL error: certificate verify failed": "no encrypted connection could be agreed on",
        "FATAL:  the database system is starting up": "the server is not ready",
        "connection timeout expired": "the server did not answer in time",
        'FATAL:  role "u" does not exist': "there is no role of that name",
        "FATAL:  something of hostls else": "",
    }
    for message, meaning in said.items():
        error = of_connection(psycopg.OperationalError(f"connection failed: {message}"), address)
        assert error.what.removeprefix(f"cannot connect to {address}") == (f": {meaning}" if meaning else "")
        assert error.detail == message


def test_a_session_that_was_ended_says_what_for_a_look_was_wanted(server: Server) -> None:
    with connect(server.address("postgres")) as session, server.connect() as other:
        session.autocommit = True
        other.execute("SELECT pg_terminate_backend(%s), pg_sleep(0.3)", [session.process])
        with pytest.raises(DatabaseError) as caught, session.given_up("looking at what would be rolled back"):
            pass
    assert caught.value.sqlstate == "57P01"
    assert caught.value.during == "looking at what would be rolled back"
