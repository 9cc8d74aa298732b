"""Running commands: in this process, in an empty folder, and with nothing of the developer's environment."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from migplan.cli import main
from tests.servers import Server

Run = Callable[..., Result]


@pytest.fixture(autouse=True)
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in, and no PG* variable, service file or .pgpass from outside."""
    for variable in os.environ:
        if variable.startswith("PG"):
            monkeypatch.delenv(variable)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
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
