"""Fixtures: real servers of several versions, a database for each test, the demo."""

from __future__ import annotations

import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from hypothesis import HealthCheck, settings

from migplan.postgres.address import Address
from migplan.text import redaction
from tests.servers import WANTED, MakeDatabase, Origin, Server, live_in_memory, origins

# How long an example takes tells how busy the machine is, and nothing of migplan.
settings.register_profile("migplan", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("migplan")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--database-url", help="run on this server, as a superuser, instead of throwaway ones")
    parser.addoption("--containers", action="store_true", help="run on containers of PostgreSQL 13 to 18")
    parser.addoption("--update-golden", action="store_true", help="write the expected files anew")


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--containers"):
        _require_docker()
    live_in_memory()
    config.stash[_origins] = origins(config.getoption("--database-url"), config.getoption("--containers"))


_origins: pytest.StashKey[list[Origin]] = pytest.StashKey()


def _require_docker() -> None:
    docker = shutil.which("docker")
    answer = subprocess.run([docker, "info"], capture_output=True, text=True, check=False) if docker else None
    if answer is None or answer.returncode:
        said = (
            answer.stderr.strip().splitlines()[-1]
            if answer and answer.stderr.strip()
            else "there is no docker"
        )
        pytest.exit(f"--containers needs a Docker engine, and none answers: {said}", returncode=2)


def pytest_report_header(config: pytest.Config) -> str:
    names = [origin.name for origin in config.stash[_origins]]
    line = f"PostgreSQL: {', '.join(names)}"
    missing = [str(major) for major in WANTED if str(major) not in names]
    if missing and not config.getoption("--database-url") and not config.getoption("--containers"):
        line += f" (not at hand: {', '.join(missing)}; pip install '.[servers]', or set MIGPLAN_PG_BIN)"
    return line


@pytest.fixture(autouse=True)
def secrets_of_its_own() -> Iterator[None]:
    """What is a secret to one test is a plain word to the next."""
    with redaction.memory_of_its_own():
        yield


@pytest.fixture(scope="session")
def servers(request: pytest.FixtureRequest) -> Iterator[dict[str, Server]]:
    """Every server by name; each starts when a test first asks something of it."""
    with ExitStack() as stack:
        every = {origin.name: Server(origin, stack) for origin in request.config.stash[_origins]}
        yield every
        for server in every.values():
            server.ends = True


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "server" in metafunc.fixturenames:
        names = [origin.name for origin in metafunc.config.stash[_origins]]
        metafunc.parametrize("server", names, indirect=True, scope="session")


@pytest.hookimpl(tryfirst=True)  # before pytest looks who is wanted by -m
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Whatever runs on an older server is slow; rooms and tests that are say so themselves.

    Cases that take turns are laid out as on a chessboard: each older server has every second one, and with
    them each value of a parameter; the next server has the others.
    """
    names = [origin.name for origin in config.stash[_origins]]
    cases: Counter[tuple[str, int]] = Counter()
    spared = set()
    for item in items:
        case = getattr(item, "callspec", None)  # of a test that runs once for each of something
        number = names.index(case.params["server"]) if case and "server" in case.params else -1
        if number < 0 or number == len(names) - 1:
            continue
        item.add_marker(pytest.mark.slow)
        if item.get_closest_marker("in_turn"):
            test = item.nodeid.partition("[")[0], number
            if (number + _color(item, cases[test])) % 2:
                spared.add(item)
            cases[test] += 1
    config.hook.pytest_deselected(items=[*spared])
    items[:] = [item for item in items if item not in spared]


def _color(item: pytest.Item, case: int) -> int:
    """The color that a case, by its number, has on the board of all the test's parameters: 0 or 1."""
    color = 0
    for mark in reversed([*item.iter_markers("parametrize")]):  # the last changes fastest
        case, place = divmod(case, len(list(mark.args[1])))
        color += place
    return color % 2


@pytest.fixture
def server(request: pytest.FixtureRequest, servers: dict[str, Server]) -> Server:
    """A server under test: a test that asks for it runs once on each version."""
    return servers[request.param]


@pytest.fixture(scope="session")
def newest(servers: dict[str, Server]) -> Server:
    """The newest server, for what does not depend on the version."""
    return list(servers.values())[-1]


@pytest.fixture
def database(server: Server) -> Iterator[MakeDatabase]:
    """Make a database on the server under test from a script; it is dropped after the test."""
    yield from _databases(server)


@pytest.fixture
def newest_database(newest: Server) -> Iterator[MakeDatabase]:
    """The same, on the newest server only."""
    yield from _databases(newest)


def _databases(server: Server) -> Iterator[MakeDatabase]:
    made: list[str] = []

    def make(script: str = "") -> Address:
        made.append(server.create_database(script))
        return server.address(made[-1])

    yield make
    for name in made:
        server.drop_database(name)
