"""Servers in containers: why there is none; and, with --containers, that one judges, and does not stay."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from migplan.errors import ConnectError
from migplan.postgres import binaries
from migplan.postgres.container import VARIABLE, image_of
from migplan.postgres.scratch import judge
from tests.servers import Container, Server, connect

ANSWERS = "case $1 in version) echo 28.0;; "
SAYS_NO = {
    "permission": ("echo 'permission denied while trying to connect' >&2; exit 1", "docker does not answer"),
    "pull": (
        ANSWERS + "image) exit 1;; pull) echo 'no such host' >&2; exit 1;; esac",
        "cannot pull it: no such host (let MIGPLAN_IMAGE name the image of a mirror",
    ),
    "start": (
        ANSWERS + "image) ;; run) echo 'cannot bind' >&2; exit 125;; esac",
        "mirror.example/pg:13 does not start: cannot bind",
    ),
    "ends": (
        ANSWERS + "run) echo 1;; logs) echo 'no room on device' >&2;; inspect) echo '[{}]';; esac",
        "no room on device",
    ),
}


def engines(folder: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Engines that answer as a script does, before those of this machine."""
    for name in ("docker", "podman"):
        (folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")


@pytest.mark.parametrize("case", SAYS_NO)
def test_why_there_is_no_container_is_said(
    case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script, said = SAYS_NO[case]
    called = tmp_path / "called"
    engines(tmp_path, f'echo "$@" >>{called}\n{script}', monkeypatch)
    monkeypatch.setenv(VARIABLE, "mirror.example/pg:{major}")
    with judge(major=13) as found:
        assert found.major != 13
    no_version, no_container = found.notes
    assert "and the target is 13" in no_version
    assert no_container.startswith("no container of PostgreSQL 13: ")
    assert said in no_container
    lines = called.read_text().splitlines()
    if any(line.startswith("run ") for line in lines):
        assert lines[-1].startswith("rm --force --volumes migplan-")


def test_an_image_without_its_version_is_no_image(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engines(tmp_path, "", monkeypatch)
    monkeypatch.setenv(VARIABLE, "mirror.example/pg:13")
    with judge(major=13) as found:
        assert "in which no {major} stands for the version" in found.notes[1]


def test_without_an_engine_there_is_no_image(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert image_of(13) is None


# --- where an engine answers ------------------------------------------------------------------------------


@pytest.fixture
def major(server: Server, monkeypatch: pytest.MonkeyPatch) -> int:
    """The version of an image that is at hand, on a machine without a server of its own."""
    if not isinstance(server.origin, Container):
        pytest.skip("needs an engine for containers: --containers")
    monkeypatch.setattr(binaries, "_WHEELS", ())
    monkeypatch.setattr(binaries, "_SYSTEM", ())
    monkeypatch.setenv(
        "PATH", f"{os.environ['PATH']}{os.pathsep}/nowhere"
    )  # what was found is remembered by it
    found = server.version // 10000
    name, _, tag = server.origin.image.rpartition(":")
    monkeypatch.setenv(VARIABLE, f"{name}:{tag.replace(str(found), '{major}', 1)}")
    return found


def containers() -> list[str]:
    """The containers of ours that are there, whatever state they are in."""
    words = ["docker", "ps", "--all", "--format", "{{.Names}}", "--filter", "name=migplan-"]
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout.split()


def test_a_container_judges_and_is_removed(major: int) -> None:
    before = containers()
    with judge(major=major, superuser="Own er") as found:
        assert len(containers()) == len(before) + 1
        assert (found.major, found.notes) == (major, ())
        assert found.said.startswith("a container of ")
        with found.database() as made, connect(made) as session:
            assert session.execute("SELECT current_user").fetchone() == ("Own er",)
    assert containers() == before


def test_a_container_that_ends_is_said_to_have_ended(major: int) -> None:
    before = set(containers())
    with ExitStack() as stack:
        stack.enter_context(pytest.raises(ConnectError, match="ended while migrations were tried on it"))
        found = stack.enter_context(judge(major=major))
        subprocess.run(["docker", "kill", *(set(containers()) - before)], check=True)
        found.roles()
    assert set(containers()) == before


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGKILL])
def test_no_container_stays_however_its_user_ends(major: int, ending: signal.Signals) -> None:
    before = containers()
    program = (
        "import time; from migplan.postgres import container\n"
        f"with container.running(container.image_of({major}), 'postgres'): print(flush=True); time.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"\n"
        assert len(containers()) == len(before) + 1
        process.send_signal(ending)
    deadline = time.monotonic() + 20
    while containers() != before:
        assert time.monotonic() < deadline
        time.sleep(0.1)
