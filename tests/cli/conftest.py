"""Running commands: in this process, in an empty folder, and with nothing of the developer's environment."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from migplan.cli import main
from tests.cli.folders import Write
from tests.servers import Server

Run = Callable[..., Result]


@pytest.fixture(autouse=True)
def nowhere(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """An empty folder to work in, and no PG* variable, service file or .pgpass from outside."""
    for variable in os.environ:
        if variable.startswith("PG"):
            monkeypatch.delenv(variable)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for variable in ("XDG_STATE_HOME", "MIGPLAN_SCRATCH"):
        monkeypatch.delenv(variable, raising=False)
    # What one test has tried on a scratch server, no other one has to try again.
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.getbasetemp() / "cache"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def run() -> Run:
    """Run migplan with these words; the result has exit_code, stdout and stderr."""

    def command(*words: str, exit_code: int | None = 0) -> Result:
        result = CliRunner().invoke(main, words)
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        if exit_code is not None:
            assert result.exit_code == exit_code, result.output
        assert "Traceback" not in result.output
        return result

    return command


@pytest.fixture
def demo_url(newest: Server) -> str:
    """The demo database, on the newest server."""
    return newest.url(newest.demo)


@pytest.fixture
def target(server: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """An empty database on each version, whose server also lends databases to try things on."""
    monkeypatch.setenv("MIGPLAN_SCRATCH", server.url("postgres"))
    name = server.create_database()
    try:
        yield server.url(name)
    finally:
        server.drop_database(name)


@pytest.fixture
def new_target(newest: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """An empty database, where the version does not matter; its server lends others to try things on."""
    monkeypatch.setenv("MIGPLAN_SCRATCH", newest.url("postgres"))
    name = newest.create_database()
    try:
        yield newest.url(name)
    finally:
        newest.drop_database(name)


@pytest.fixture
def write(nowhere: Path) -> Write:
    """Write files into the folder m."""

    def files(**texts: str) -> Path:
        folder = nowhere / "m"
        folder.mkdir(exist_ok=True)
        for name, text in texts.items():
            (folder / f"{name.replace('__down', '.down')[1:]}.sql").write_text(text)
        return folder

    return files
