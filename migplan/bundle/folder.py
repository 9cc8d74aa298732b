"""The bundle's folder: written aside and renamed, never over what people edited, never half-made."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from migplan.bundle import manifest
from migplan.bundle.paths import BundlePaths
from migplan.errors import FileError
from migplan.files import Access, folder_aside


@contextmanager
def written_aside(folder: Path, *, force: bool = False, access: Access = Access.OWNER) -> Iterator[Path]:
    """A folder to write into, which takes the place of ``folder`` when all has gone well."""
    refuse_what_is_not_ours(folder, force=force)
    try:
        with folder_aside(folder, access) as aside:
            yield aside
    except OSError as error:
        full = error.errno == errno.ENOSPC
        raise FileError(
            f"the disk of {folder} is full; nothing was left of the export"
            if full
            else f"cannot write {folder}: {error.strerror}",
            do="make room, or export to another disk with --out" if full else "",
            file=folder,
        ) from None


def refuse_what_is_not_ours(folder: Path, *, force: bool) -> None:
    """A folder that is no bundle is not touched at all; one that people edited only when they say so."""
    if not folder.exists():
        return
    if not folder.is_dir():
        raise FileError(
            f"{folder} is a file, and a bundle is a folder", do="choose another with --out", file=folder
        )
    if not any(folder.iterdir()):
        return
    if not BundlePaths(folder).manifest.is_file():
        raise FileError(
            f"{folder} is not empty, and not a bundle of migplan's: it was left as it is",
            do="choose another folder with --out",
            file=folder,
        )
    edited = [] if force else _edited(folder)
    if edited:
        raise FileError(
            f"{folder} holds files that were edited since migplan wrote them: {', '.join(edited)}",
            do="keep them elsewhere, export to another folder with --out, or overwrite them with --force",
            file=folder,
        )


def refuse_too_small(folder: Path, needed: int) -> None:
    """Before anything is read, see whether it would fit."""
    place = folder
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free
    if free < needed:
        raise FileError(
            f"the disk of {folder} has {free:,} bytes free, and the bundle takes about {needed:,}",
            do="make room, or export to another disk with --out",
            file=folder,
        )


def _edited(folder: Path) -> list[str]:
    found = manifest.load(folder)
    return [
        file.file
        for file in found.files
        if (path := BundlePaths(folder).step(file.file)).is_file() and manifest.digest(path) != file.sha256
    ]
