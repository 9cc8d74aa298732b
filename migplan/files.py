"""Writing files so that nobody ever sees half of one, and reading those that may be anything by now.

What is not whole yet stands beside its place as ``.NAME.part-TOKEN``, and its writer holds a lock on it,
which the kernel takes back when he dies: so whoever writes NAME next knows what was abandoned, and removes
it. A process number would not tell, as they come again.
"""

import fcntl
import glob
import json
import logging
import os
import secrets
import shutil
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from enum import StrEnum
from pathlib import Path
from typing import Any

from migplan.errors import FileError

log = logging.getLogger(__name__)


class Access(StrEnum):
    """Who may read files that hold rows, beside their owner."""

    OWNER = "owner"
    GROUP = "group"
    EVERYONE = "everyone"

    @property
    def of_files(self) -> int:
        """The mode of files."""
        return {Access.OWNER: 0o600, Access.GROUP: 0o640, Access.EVERYONE: 0o644}[self]

    @property
    def of_folders(self) -> int:
        """The mode of folders."""
        return {Access.OWNER: 0o700, Access.GROUP: 0o750, Access.EVERYONE: 0o755}[self]


def write_whole(file: Path, text: str, access: Access | None = None) -> None:
    """Write a text aside, then rename it to the file: it appears whole or not at all.

    A file with rows has an access; others get the mode that the process gives its files.
    """
    write_chunks(file, (text,), access)


def write_chunks(file: Path, chunks: Iterable[str], access: Access | None = None) -> None:
    """The same for a text that is not to be in memory as a whole."""
    if file.exists() and not file.is_file():  # a rename would take the place of a device, or of a pipe
        raise FileError(f"cannot write {file}: it is there, and is not a regular file", file=file)
    try:
        _make_folder(file.parent, access)
        with (
            _file_aside(file, None if access is None else access.of_files) as aside,
            aside.open("w", encoding="utf-8") as open_file,
        ):
            open_file.writelines(chunks)
    except OSError as error:
        raise FileError(f"cannot write {file}: {error.strerror}", file=file) from None
    log.info("wrote %s", file)


def read_bytes(file: Path) -> bytes:
    """The bytes of a file; ``FileError`` says only why there are none: callers know what they should be."""
    try:
        # What waits for a writer, or never ends, is no file that somebody committed.
        if not stat.S_ISREG(file.stat().st_mode):
            raise FileError("Is a directory" if file.is_dir() else "it is not a regular file", file=file)
        return file.read_bytes()
    except OSError as error:
        raise FileError(error.strerror or type(error).__name__, file=file) from None
    except ValueError as error:  # a name with a null byte in it
        raise FileError(str(error), file=file) from None


def read_text(file: Path) -> str:
    """The text of a file; ``FileError`` as :func:`read_bytes`."""
    return _text_of(read_bytes(file), file)


def _text_of(data: bytes, file: Path) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise FileError(f"it is not UTF-8 text: byte {error.start} is none of it", file=file) from None


def read_json(file: Path) -> Any:
    """The JSON of a file, every key once and every number one; ``FileError`` as :func:`read_text`."""
    return json_of(read_bytes(file), file)


def json_of(data: bytes, file: Path) -> Any:
    """The same of what was read already."""
    text = _text_of(data, file)
    try:
        return json.loads(text, object_pairs_hook=_once, parse_constant=_no_number)
    except json.JSONDecodeError as error:
        raise FileError(f"line {error.lineno}, column {error.colno}: {error.msg}", file=file) from None
    except ValueError as error:
        raise FileError(str(error), file=file) from None
    except RecursionError:
        raise FileError("it is nested too deeply", file=file) from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = next(key for number, (key, _) in enumerate(pairs) if key in dict(pairs[:number]))
        raise ValueError(f"{twice!r} stands in one object twice")
    return found


def _no_number(word: str) -> None:
    raise ValueError(f"{word} is no number that JSON knows")


@contextmanager
def folder_aside(
    folder: Path,
    access: Access,
    keep: Callable[[], Path | None] = lambda: None,
    stays: Callable[[Path], bool] = lambda _aside: False,
) -> Iterator[Path]:
    """A new folder to write into, closed to others, which takes the place of ``folder`` when the block ends.

    If the block raises anything, what is there stays as it was. ``stays`` is asked at the end, with the new
    folder, whether what is there serves as well, and the new one goes. ``keep`` is asked last whether what is
    there is to be kept, and under which name beside it; else it goes.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    sweep(folder)
    aside, lock = _claimed(folder, lambda path: path.mkdir(mode=0o700))
    before = gone = _beside(folder, "before")
    try:
        yield aside
        if folder.exists() and stays(aside):
            _open_to(folder, access)
            return
        _open_to(aside, access)
        if folder.exists():
            before = keep() or before
            with _held(folder):  # nobody takes it for an abandoned one while it has the other name
                folder.rename(before)
                aside.rename(folder)
        else:
            aside.rename(folder)
        log.info("wrote the folder %s", folder)
    finally:
        if before.exists() and not folder.exists():
            before.rename(folder)
        for path in (aside, gone):
            shutil.rmtree(path, ignore_errors=True)
        os.close(lock)


@contextmanager
def _file_aside(file: Path, mode: int | None = None) -> Iterator[Path]:
    """A new file to write into, which takes the place of ``file`` at the end of the block; as a folder does.

    Without a mode it gets the one that the process gives its files.
    """
    sweep(file)
    aside, lock = _claimed(file, lambda path: path.touch(0o666 if mode is None else 0o600, exist_ok=False))
    try:
        yield aside
        if mode is not None:
            aside.chmod(mode)
        aside.replace(file)
    finally:
        with suppress(OSError):
            aside.unlink(missing_ok=True)
        os.close(lock)


def sweep(place: Path) -> None:
    """Remove what was abandoned beside a place; give it back what was there before, if it is gone."""
    for kind in ("before", "part"):
        for left in sorted(place.parent.glob(f".{glob.escape(place.name)}.{kind}-*")):
            lock = _lock(left)
            if lock is None:
                continue
            if kind == "before" and not place.exists():
                left.rename(place)
            elif left.is_dir():
                shutil.rmtree(left, ignore_errors=True)
            else:
                left.unlink(missing_ok=True)
            os.close(lock)


def _make_folder(folder: Path, access: Access | None) -> None:
    """Make a folder for a file, if there is none; one for rows is closed as they are."""
    if access is None or folder.is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        return
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.mkdir(mode=0o700, exist_ok=True)
    folder.chmod(access.of_folders)


def _claimed(place: Path, make: Callable[[Path], None]) -> tuple[Path, int]:
    """Something new beside a place, and the lock on it."""
    while True:
        aside = _beside(place, "part")
        make(aside)
        lock = _lock(aside)
        if lock is not None:
            return aside, lock
        if (
            aside.exists()
        ):  # a file system without locks: then nobody can take it for an abandoned one, either
            return aside, os.open(aside, os.O_RDONLY)
        # Somebody who swept took it before it was locked.


def _beside(place: Path, kind: str) -> Path:
    return place.with_name(f".{place.name}.{kind}-{secrets.token_hex(4)}")


@contextmanager
def _held(path: Path) -> Iterator[None]:
    lock = _lock(path)
    try:
        yield
    finally:
        if lock is not None:
            os.close(lock)


def _lock(path: Path) -> int | None:
    """The lock on a file or folder; None where somebody has it, it is gone, or there are no locks at all."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError:
        return None
    with suppress(OSError):
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.path.samestat(os.fstat(descriptor), path.stat()):
            return descriptor
    os.close(descriptor)
    return None


def _open_to(folder: Path, access: Access) -> None:
    """Give all that is in a folder, and last itself, the modes of who may read it."""
    for here, _, files in os.walk(folder, topdown=False):
        for name in files:
            Path(here, name).chmod(access.of_files)
        Path(here).chmod(access.of_folders)
