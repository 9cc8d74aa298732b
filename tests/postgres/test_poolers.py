"""Poolers between us and the server: those that share sessions are refused, those that do not are used."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg
import pytest

from migplan.errors import DatabaseError, LockedError
from migplan.postgres import stall
from migplan.postgres.address import Address, parse
from migplan.postgres.server import ThrowawayServer
from migplan.postgres.session import connect, reading
from migplan.run.engine.lock import Lock, holder
from migplan.run.engine.options import Limits
from migplan.run.engine.worker import Worker
from tests.cli.conftest import Run, run  # noqa: F401 - a fixture
from tests.export.loading import export
from tests.relays import SharingPooler
from tests.run.running import until

pytestmark = pytest.mark.slow

PGBOUNCER = shutil.which("pgbouncer") or shutil.which("/usr/sbin/pgbouncer")
needs_pgbouncer = pytest.mark.skipif(
    PGBOUNCER is None, reason="pgbouncer is not installed (apt-get install pgbouncer)"
)


@pytest.fixture(scope="module")
def behind() -> Iterator[ThrowawayServer]:
    """A server that speaks TCP, as those do that stand behind poolers."""
    with ThrowawayServer(tcp=True) as server:
        server.create_database("shop")
        server.create_database("copy")
        with psycopg.connect(server.conninfo("shop"), autocommit=True) as connection:
            connection.execute(
                "CREATE TABLE t (n int PRIMARY KEY, d date); INSERT INTO t VALUES (1, '2025-02-01')"
            )
            connection.execute("ALTER DATABASE shop SET DateStyle = 'German, DMY'")
        yield server


@pytest.fixture(params=[1, 3])
def sharing(behind: ThrowawayServer, request: pytest.FixtureRequest) -> Iterator[Address]:
    """A pooler of our own in transaction mode."""
    with closing(SharingPooler(behind.conninfo("shop"), request.param)) as pooler:
        yield parse(f"postgresql://u@127.0.0.1:{pooler.port}/shop")


def test_a_pooler_that_shares_sessions_is_refused_for_runs(sharing: Address) -> None:
    with pytest.raises(LockedError, match="is a pooler that shares sessions") as refused:
        Lock(sharing)
    assert "connect to the server itself (which it reaches at 127.0.0.1:" in refused.value.do
    with pytest.raises(LockedError, match="shares sessions"):
        Worker(sharing, Limits())


def test_it_is_read_through_and_left_as_it_was(behind: ThrowawayServer, sharing: Address) -> None:
    with reading(sharing) as connection:
        assert connection.execute("SELECT d::text FROM public.t").fetchone() == ("2025-02-01",)
    with closing(connect(sharing)) as session:
        assert session.shared
        assert session.execute("SHOW DateStyle").fetchone() == ("German, DMY",)
        assert session.execute("SHOW lock_timeout").fetchone() == ("0",)


def test_a_session_of_our_own_keeps_its_process(behind: ThrowawayServer) -> None:
    address = parse(behind.conninfo("shop"))
    with closing(connect(address)) as session:
        assert not session.shared
        assert not session.pooled
        assert session.process == session.info.backend_pid
    lock = Lock(address)
    lock.session.process += 1  # as if another one answered from now on
    with pytest.raises(LockedError, match="shares sessions"):
        lock.ensure()
    lock.release()


@pytest.mark.parametrize("sessions", [1, 3])
@pytest.mark.parametrize("command", ["export", "copy"])
def test_a_pooler_that_has_no_session_to_spare_is_called_so(
    behind: ThrowawayServer,
    run: Run,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    command: str,
    sessions: int,
) -> None:
    monkeypatch.setattr(stall, "FIRST", 1.0)
    monkeypatch.chdir(tmp_path)
    more = ["--target", behind.conninfo("copy")] if command == "copy" else []
    with closing(SharingPooler(behind.conninfo("shop"), sessions, keeps=True)) as pooler:
        source = f"postgresql://u@127.0.0.1:{pooler.port}/shop"
        refused = run(command, "--source", source, "--jobs", "4", *more, exit_code=2).stderr
    assert "a pooler seems to stand there that has no session to spare" in refused
    assert "-> connect to the server itself, by its own port; or have the pooler give" in refused


# --- PgBouncer itself ------------------------------------------------------------------------------------


@contextmanager
def pgbouncer(server: ThrowawayServer, mode: str, folder: Path, *more: str) -> Iterator[Address]:
    """PgBouncer before a server, in one of its modes."""
    assert PGBOUNCER is not None
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    params = server.params("shop")
    where = f"host={params['host']} port={params['port']}"
    config = folder / f"{mode}.ini"
    config.write_text(
        "\n".join(
            [
                "[databases]",
                f"* = {where} user={params['user']} password={params['password']}",
                "[pgbouncer]",
                f"pool_mode = {mode}",
                f"listen_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =",
                f"auth_type = any\nlogfile = {folder}/{mode}.log",
                *more,
            ]
        )
    )
    words = [PGBOUNCER, str(config)]
    if os.geteuid() == 0:  # which it refuses to be
        nobody = pwd.getpwnam("nobody")
        for path in (folder, *folder.iterdir()):
            os.chown(path, nobody.pw_uid, -1)
        for parent in [folder, *folder.parents][:-2]:
            parent.chmod(parent.stat().st_mode | 0o011)
        words += ["-u", "nobody"]
    with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as bouncer:
        try:
            address = parse(f"postgresql://{params['user']}@127.0.0.1:{port}/shop")
            until(lambda: _listens(port), "pgbouncer does not listen")
            yield address
        finally:
            bouncer.terminate()


def _listens(port: int) -> bool:
    with socket.socket() as wire:
        return wire.connect_ex(("127.0.0.1", port)) == 0


@needs_pgbouncer
def test_pgbouncer_in_session_mode_is_used(behind: ThrowawayServer, tmp_path: Path) -> None:
    with pgbouncer(behind, "session", tmp_path) as address:
        with closing(connect(address)) as session:
            assert session.pooled
            assert session.process != session.info.backend_pid
            assert session.execute("SELECT d FROM t").fetchone()
            assert session.execute("SHOW statement_timeout").fetchone() == ("0",)
        lock = Lock(address)
        direct = parse(behind.conninfo("shop"))
        with closing(connect(direct)) as other:
            assert (holder(other) or (0,))[0] == lock.session.process
            with pytest.raises(LockedError, match="another run is in progress"):
                Lock(address)
            worker = Worker(address, Limits())
            lock.shared_by(worker.process)
            lock.ensure()
            worker.close()
            lock.release()
            # What the pooler keeps open holds no lock of ours any more.
            until(
                lambda: not other.execute("SELECT FROM pg_locks WHERE locktype = 'advisory'").rowcount, "held"
            )


@needs_pgbouncer
def test_a_bundle_goes_through_pgbouncer_in_session_mode(
    behind: ThrowawayServer,
    tmp_path: Path,
    run: Run,  # noqa: F811
) -> None:
    with pgbouncer(behind, "session", tmp_path) as address:
        source, target = (str(address), str(address).replace("/shop", "/copy"))
        out = tmp_path / "bundle"
        export(source, out)
        said = run("apply", str(out), "--target", target)
        assert "a pooler in session mode is in between" in said.stderr
        run("verify", str(out), "--target", target, "--source", source)
        run("rollback", str(out), "--target", target, "--yes")


@needs_pgbouncer
def test_pgbouncer_in_transaction_mode_is_refused_for_runs(behind: ThrowawayServer, tmp_path: Path) -> None:
    with pgbouncer(behind, "transaction", tmp_path, "server_round_robin = 1", "min_pool_size = 2") as address:
        with pytest.raises(LockedError, match="is a pooler that shares sessions"):
            Lock(address)
        with reading(address) as connection:
            assert connection.execute("SELECT d::text FROM public.t").fetchone() == ("2025-02-01",)


@needs_pgbouncer
def test_pgbouncer_in_statement_mode_is_refused_for_everything(
    behind: ThrowawayServer, tmp_path: Path
) -> None:
    with pgbouncer(behind, "statement", tmp_path) as address:
        with pytest.raises(LockedError, match="is a pooler that shares sessions"):
            Lock(address)
        with (
            pytest.raises(DatabaseError, match="transaction blocks not allowed in statement pooling mode"),
            reading(address),
        ):
            pass
