"""Files and folders appear whole or not at all, nothing of them stays behind, and rows are their owner's."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from migplan.errors import FileError
from migplan.files import Access, folder_aside, write_chunks, write_whole
from tests.servers import Server


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("access", Access)
def test_who_may_read(tmp_path: Path, access: Access) -> None:
    expected = {"owner": (0o600, 0o700), "group": (0o640, 0o750), "everyone": (0o644, 0o755)}[access]
    with folder_aside(tmp_path / "bundle", access) as aside:
        assert mode(aside) == 0o700
        (aside / "inner").mkdir()
        (aside / "inner" / "rows").write_text("1")
    write_whole(tmp_path / "pages" / "page.md", "1", access)
    for folder, file in (("bundle", "inner/rows"), ("pages", "page.md")):
        assert (mode(tmp_path / folder / file), mode((tmp_path / folder / file).parent)) == expected
    assert names(tmp_path) == ["bundle", "pages"]


def test_without_rows_the_process_decides(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write_whole(tmp_path / "plan.yaml", "1")
    finally:
        os.umask(before)
    assert mode(tmp_path / "plan.yaml") == 0o640


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, ValueError, OSError])
def test_what_is_interrupted_leaves_all_as_it_was(tmp_path: Path, interruption: type[BaseException]) -> None:
    write_whole(tmp_path / "file", "old")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "old").touch()

    def chunks() -> Iterator[str]:
        yield "half"
        raise interruption

    with pytest.raises((interruption, FileError)):
        write_chunks(tmp_path / "file", chunks(), Access.OWNER)
    with (  # noqa: PT012
        pytest.raises(interruption),
        folder_aside(tmp_path / "folder", Access.OWNER) as aside,
    ):
        (aside / "half").touch()
        raise interruption
    assert names(tmp_path) == ["file", "folder"]
    assert (tmp_path / "file").read_text() == "old"
    assert names(tmp_path / "folder") == ["old"]


def test_what_the_dead_left_is_swept_and_what_the_living_write_is_not(tmp_path: Path) -> None:
    for dead in (".bundle.part-4711", ".bundle.part-00ff00ff", ".bundle.before-4711"):
        (tmp_path / dead).mkdir()
        (tmp_path / dead / "rows").touch()
    (tmp_path / ".page.md.part-4711").touch()
    others = [".bundle.part", ".bundle2.part-4711", "bundle.part-4711"]
    for other in others:
        (tmp_path / other).mkdir()
    alive = tmp_path / ".bundle.part-aaaaaaaa"
    alive.mkdir()
    lock = os.open(alive, os.O_RDONLY)
    fcntl.flock(lock, fcntl.LOCK_EX)
    with folder_aside(tmp_path / "bundle", Access.OWNER):
        pass
    write_whole(tmp_path / "page.md", "1", Access.OWNER)
    os.close(lock)
    assert names(tmp_path) == sorted(["bundle", "page.md", alive.name, *others])


def test_a_folder_whose_place_was_not_taken_gets_it_back(tmp_path: Path) -> None:
    """Somebody was killed between two names: the old folder has none of them."""
    (tmp_path / ".bundle.before-4711").mkdir()
    (tmp_path / ".bundle.before-4711" / "old").touch()
    with pytest.raises(ZeroDivisionError), folder_aside(tmp_path / "bundle", Access.OWNER):
        raise ZeroDivisionError
    assert names(tmp_path) == ["bundle"]
    assert names(tmp_path / "bundle") == ["old"]


STOPPED = """
import os, signal, sys
from migplan.bundle import export
from migplan.cli import main

number = int(sys.argv.pop(1))

def written(self):
    (self._paths.folder / "rows").write_text("secret")
    print("half", flush=True)
    os.kill(os.getpid(), number)
    signal.pause()

export.Export.write = written
main()
"""


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_an_export_that_is_killed_leaves_no_rows(newest: Server, tmp_path: Path, number: int) -> None:
    words = [
        "export",
        "--no-plan",
        "--source",
        newest.url(newest.demo),
        "--out",
        str(tmp_path / "exports" / "bundle"),
    ]
    stopped = subprocess.run(
        [sys.executable, "-c", STOPPED, str(int(number)), *words],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert stopped.stdout.splitlines()[-1:] == ["half"], stopped.stderr
    left = names(tmp_path / "exports")
    if number == signal.SIGKILL:
        # Nobody can do anything about that; whoever comes next does.
        assert [name.startswith(".bundle.part-") for name in left] == [True]
        assert mode(tmp_path / "exports" / left[0]) == 0o700
        done = subprocess.run(
            [sys.executable, "-m", "migplan", *words],
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        bundle = tmp_path / "exports" / "bundle"
        assert names(tmp_path / "exports") == ["bundle"]
        assert {mode(path) for path in bundle.rglob("*") if path.is_file()} == {0o600}
        assert {mode(path) for path in (bundle, *bundle.rglob("*")) if path.is_dir()} == {0o700}
    else:
        assert stopped.returncode == 130, stopped.stderr
        assert stopped.stderr.strip() == "migplan: stopped"
        assert left == []


@pytest.mark.slow
def test_documents_are_their_owners_unless_asked_otherwise(newest: Server, tmp_path: Path) -> None:
    words = ["document", "--source", newest.url(newest.demo), "--format", "html"]
    for number, (more, expected) in enumerate(
        {(): (0o600, 0o700), ("--access", "everyone"): (0o644, 0o755)}.items()
    ):
        out = tmp_path / str(number)
        done = subprocess.run(
            [sys.executable, "-m", "migplan", *words, "--out", str(out), *more],
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        assert (mode(out / "database.html"), mode(out)) == expected
