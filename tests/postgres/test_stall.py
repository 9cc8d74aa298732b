"""Connections that are cut without a word: nobody waits for ever, and nobody gives up on a server at work."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from migplan.bundle.verified import load_verified
from migplan.errors import DatabaseError, StepError
from migplan.postgres import copy_out, stall
from migplan.postgres.address import Address, parse
from migplan.postgres.server import ThrowawayServer
from migplan.postgres.session import connect
from migplan.postgres.settings import careful
from migplan.run.bundle.apply import ApplyOptions, apply
from migplan.run.engine.worker import is_lost
from tests.export.loading import export
from tests.relays import Relay
from tests.run.running import options, until

pytestmark = pytest.mark.slow

ROWS = "SELECT n, repeat('x', 1000) AS said FROM generate_series(1, 20000) n"


@pytest.fixture(scope="module")
def far() -> Iterator[ThrowawayServer]:
    with ThrowawayServer(tcp=True) as server:
        with psycopg.connect(server.conninfo(), autocommit=True) as connection:
            connection.execute("CREATE DATABASE target")
            connection.execute(f"CREATE TABLE t AS {ROWS}")
        yield server


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(stall.VARIABLE, "0.4")


@pytest.fixture
def relay(far: ThrowawayServer) -> Iterator[Relay]:
    with closing(Relay("127.0.0.1", int(far.params()["port"]))) as between:
        yield between


def through(relay: Relay, far: ThrowawayServer, **more: str) -> Address:
    params = {**far.params(), "port": str(relay.port), "connect_timeout": "2", **more}
    return parse(" ".join(f"{name}={value}" for name, value in params.items()))


def test_a_loss_that_only_libpq_noticed_is_one(far: ThrowawayServer, relay: Relay) -> None:
    """Nobody is left who would give it a SQLSTATE; a run has to know it all the same, for it tries again."""
    with closing(connect(through(relay, far))) as session:
        relay.close()
        with pytest.raises(DatabaseError, match="was lost") as caught:
            session.ask("SELECT 1", during="asking")
    assert is_lost(caught.value)


@pytest.mark.parametrize("way", ["by libpq", "by ourselves"])
def test_rows_that_stop_coming(far: ThrowawayServer, relay: Relay, way: str) -> None:
    address = through(relay, far)
    with closing(connect(address)) as session:
        session.encrypted = way == "by libpq"
        session.address = parse(far.conninfo())  # where whoever looks goes
        relay.hangs_after = relay.passed + 300_000

        def read() -> int:
            with session.translate_errors("reading rows"):
                return sum(map(len, copy_out.rows_of(session, f"COPY ({ROWS}) TO STDOUT")))

        with pytest.raises(DatabaseError, match=r"lost: nothing came for .* cannot get rid of its answer"):
            read()
        assert session.closed


def test_an_answer_that_never_comes(far: ThrowawayServer, relay: Relay) -> None:
    with closing(connect(through(relay, far))) as session:
        relay.hang()
        with pytest.raises(stall.StalledError, match="no other session can be opened either"):
            session.execute("SELECT 1")


def test_what_only_one_connection_meets_ends_the_session_in_the_server(
    far: ThrowawayServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A firewall forgets one connection, others get through: what is left of it must not keep its locks."""
    with closing(Relay("127.0.0.1", int(far.params()["port"]))) as relay:
        session = connect(through(relay, far))
        session.address = parse(far.conninfo())  # where whoever looks goes
        session.execute("LOCK TABLE t")
        relay.hang()
        with pytest.raises(stall.StalledError, match="the server has answered long ago"):
            session.execute("SELECT 1")
        with psycopg.connect(far.conninfo()) as other:
            other.execute("SET lock_timeout = '5s'; LOCK TABLE t")


def test_a_server_at_work_is_waited_for(far: ThrowawayServer, relay: Relay) -> None:
    with closing(connect(through(relay, far))) as session:
        assert session.execute("SELECT pg_sleep(2.5), 7").fetchone() == ("", 7)
        with psycopg.connect(far.conninfo()) as other:
            other.execute("LOCK TABLE t")
            threading.Timer(2, other.rollback).start()
            session.execute("SET lock_timeout = 0")
            assert session.execute("SELECT count(*) FROM t").fetchone() == (20000,)


@pytest.mark.parametrize(
    ("state", "kind", "event", "waits"),
    [
        ("active", "", "", False),
        ("active", "Lock", "relation", False),
        ("active", "IO", "DataFileRead", False),
        ("active", "Client", "ClientWrite", True),
        ("active", "Client", "ClientRead", True),
        ("idle", "Client", "ClientRead", True),
        ("idle in transaction (aborted)", "Client", "ClientRead", True),
        ("", "", "", False),
        ("disabled", "", "", False),
    ],
)
def test_who_waits_for_whom(state: str, kind: str, event: str, waits: bool) -> None:
    assert bool(stall.verdict(state, kind, event)) == waits


def test_a_step_whose_connection_hangs(far: ThrowawayServer, relay: Relay, tmp_path: Path) -> None:
    export(far.conninfo(), tmp_path / "bundle")
    relay_to = through(relay, far, dbname="target")
    passed = relay.passed

    def told(event: object) -> None:
        if type(event).__name__ == "Moved":
            relay.hang()

    with pytest.raises(StepError, match="the connection was lost"):
        apply(load_verified(tmp_path / "bundle"), relay_to, ApplyOptions(options()), told)
    assert relay.passed > passed


def test_a_program_whose_session_hangs(far: ThrowawayServer) -> None:
    """As pg_dump, when its server has answered and it has not heard of it."""
    with (
        subprocess.Popen(["sleep", "60"]) as program,
        psycopg.connect(far.conninfo(), application_name="programs own") as its_own,
        connect(parse(far.conninfo())) as watching,
    ):
        watching.autocommit = True
        its_own.execute("SELECT 1")
        looks = stall.Program(program.pid, "programs own")
        until(lambda: "the server has answered long ago" in looks.look(watching), "it looks alive")
        looks = stall.Program(program.pid, "programs own")
        sleeping = threading.Thread(target=its_own.execute, args=["SELECT pg_sleep(1)"])
        sleeping.start()
        until(napping_in(watching), "it does not work")
        while napping_in(watching)():
            assert looks.look(watching) == ""
        sleeping.join()
        program.kill()


def napping_in(watching: psycopg.Connection) -> Callable[[], bool]:
    asleep = "SELECT FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
    return lambda: bool(watching.execute(asleep).rowcount)


def test_keepalives_are_set_unless_people_did(
    far: ThrowawayServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ("connect_timeout", *(f"keepalives_{name}" for name in ("idle", "interval", "count")))

    def had(address: Address) -> tuple[str, ...]:
        with closing(connect(address)) as session:
            used = {each.keyword.decode(): (each.val or b"").decode() for each in session.pgconn.info}
            return tuple(used[name] for name in (*names, "tcp_user_timeout"))

    params = far.params()
    assert had(parse(far.conninfo())) == ("15", "30", "10", "3", "60000")
    service = tmp_path / "services.conf"
    lines = "\n".join(f"{name}={value}" for name, value in params.items())
    service.write_text(f"[mine]\n{lines}\nkeepalives_idle=77\noptions=-c geqo=off\n")
    monkeypatch.setenv("PGSERVICEFILE", str(service))
    monkeypatch.setenv("PGCONNECT_TIMEOUT", "9")
    assert had(parse("service=mine tcp_user_timeout=5000")) == ("9", "77", "10", "3", "5000")
    assert set(careful(parse("service=mine"))) == {*names[2:], "tcp_user_timeout"}
    with closing(connect(parse("service=mine"))) as session:
        assert session.execute("SHOW geqo").fetchone() == ("off",)
        assert session.execute("RESET ALL; SHOW idle_in_transaction_session_timeout").nextset()
