"""Rows of encrypted sessions, read from the socket: as safe as libpq makes them, or left to libpq."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
import pytest

from migplan.errors import DatabaseError
from migplan.postgres import copy_out, tunnel
from migplan.postgres.address import Address, parse
from migplan.postgres.server import ThrowawayServer
from migplan.postgres.session import Session, connect
from migplan.postgres.tunnel import connected_for_rows
from tests.encrypted import certificate, encrypted_server

pytestmark = pytest.mark.slow

ROWS = "COPY (SELECT n, repeat('x', n % 5000) FROM generate_series(1, 20000) n) TO STDOUT"
ENCRYPTED = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tls")


@pytest.fixture(scope="module")
def far(place: Path) -> Iterator[ThrowawayServer]:
    with encrypted_server(place) as server:
        yield server


def at(far: ThrowawayServer, **more: str) -> Address:
    said = {**far.params(), "host": "localhost", **more}
    return parse(" ".join(f"{name}={value}" for name, value in said.items() if value))


def ways(place: Path) -> dict[str, dict[str, str]]:
    files = {"sslcert": f"{place}/client.crt", "sslkey": f"{place}/client.key"}
    return {
        "not verified": {},
        "by the certificate": {"sslmode": "verify-ca", "sslrootcert": f"{place}/server.crt"},
        "by the host": {"sslmode": "verify-full", "sslrootcert": f"{place}/server.crt"},
        "newest protocol": {"ssl_min_protocol_version": "TLSv1.3"},
        "the password is bound": {"channel_binding": "require"},
        "the password is not bound": {"channel_binding": "disable"},
        "direct": {"sslnegotiation": "direct", "sslmode": "require"},
        "with a certificate of ours": {**files, "user": "migplan_certified", "password": ""},
    }


@pytest.mark.parametrize("way", ways(Path()))
def test_rows_come_from_the_socket_and_are_the_same(
    far: ThrowawayServer, place: Path, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    params = ways(place)[way]
    if far.installation.major < 17 and way == "direct":
        pytest.skip("the server does not know direct negotiation")
    with TemporaryDirectory() as folder, closing(connect(at(far, **params))) as session:
        monkeypatch.setattr(tempfile, "tempdir", folder)
        assert session.encrypted
        expected = b"".join(copy_out.rows_of(session, ROWS))
        with closing(connected_for_rows(session)) as found:
            assert session.closed
            assert not found.encrypted
            assert found.execute(ENCRYPTED).fetchone() == (True,)
            assert b"".join(copy_out.rows_of(found, ROWS)) == expected
            assert found.address is session.address
    assert list(Path("/tmp").glob("migplan-tls-*")) == []


@pytest.mark.parametrize("params", [{"sslcrldir": "/nowhere"}, {"sslpassword": "needless"}])
def test_what_only_libpq_does_is_left_to_it(far: ThrowawayServer, params: dict[str, str]) -> None:
    with closing(connect(at(far, **params))) as session:
        assert connected_for_rows(session) is session
        assert session.encrypted
        assert b"".join(copy_out.rows_of(session, ROWS)).count(b"\n") == 20_000


def known(session: Session, **more: str) -> dict[str, str]:
    found = {option.keyword.decode(): (option.val or b"").decode() for option in session.pgconn.info}
    return {**found, **more}


@pytest.mark.parametrize("mode", ["verify-ca", "verify-full", "require"])
def test_somebody_elses_certificate_is_not_taken(far: ThrowawayServer, place: Path, mode: str) -> None:
    """Even where it asks for nothing, libpq verifies as soon as there is a root certificate."""
    certificate(place, "other", "localhost")
    with closing(connect(at(far))) as session:
        server = tunnel._server_of(session, known(session, sslmode=mode, sslrootcert=f"{place}/other.crt"))
        with pytest.raises(OSError, match="CERTIFICATE_VERIFY_FAILED"):
            server.connect()


def test_the_certificate_of_another_host_is_not_taken(far: ThrowawayServer, place: Path) -> None:
    with closing(connect(at(far, host="127.0.0.1"))) as session:
        said = known(session, sslmode="verify-full", sslrootcert=f"{place}/server.crt")
        with pytest.raises(OSError, match="IP address mismatch"):
            tunnel._server_of(session, said).connect()


def test_a_query_is_cancelled_through_it(far: ThrowawayServer) -> None:
    with closing(connected_for_rows(connect(at(far)))) as session:
        threading.Timer(0.3, session.cancel_safe, kwargs={"timeout": 5}).start()
        with pytest.raises(psycopg.errors.QueryCanceled):
            session.execute("SELECT pg_sleep(60)")


def test_a_session_that_the_server_ends(far: ThrowawayServer) -> None:
    with closing(connect(at(far))) as other, closing(connected_for_rows(connect(at(far)))) as session:
        other.autocommit = True
        rows = copy_out.rows_of(
            session, "COPY (SELECT repeat('x', 1000) FROM generate_series(1, 500000)) TO STDOUT"
        )
        next(rows)
        other.execute("SELECT pg_terminate_backend(%s)", [session.process])
        with pytest.raises(DatabaseError, match="was lost"), session.translate_errors("reading"):
            list(rows)
        assert session.closed
