"""The folder of a bundle: written aside and renamed, never over what people edited, never half-made."""

import errno
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from filecmp import cmp
from pathlib import Path

from migplan.bundle.manifest import digest, load
from migplan.bundle.paths import BundlePaths
from migplan.errors import FileError
from migplan.files import Access, folder_aside


@contextmanager
def written_aside(
    folder: Path,
    *,
    force: bool = False,
    access: Access = Access.OWNER,
    keep: Callable[[], Path | None] = lambda: None,
    stays: Callable[[Path], bool] = lambda _aside: False,
) -> Iterator[Path]:
    """Yield a new folder to write into; it replaces ``folder`` if the block ends without an error.

    What is there goes, or is kept under the name that ``keep`` gives. Where ``stays`` says so of the new one,
    what is there stays instead.
    """
    refuse_what_is_not_ours(folder, force=force)
    try:
        with folder_aside(folder, access, keep, stays) as aside:
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
    """Raise FileError if the folder is not a bundle, or has edited files and ``force`` is not given."""
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


def is_same(folder: Path, aside: Path) -> bool:
    """Whether a new bundle is the one that is there, but for the moment and the programs that made it.

    Every file has to be there as it was exported, with nothing among them that no manifest knows, and the
    database has to be the same one.
    """
    paths = BundlePaths(folder)
    try:
        before, now = load(folder), load(aside)
        if not now.origin.is_of_same_database(before.origin):
            return False
        if before.model_copy(update={"origin": now.origin}).without_estimates != now.without_estimates:
            return False
        there = {path.relative_to(folder) for path in folder.rglob("*.sql")}
        new = {path.relative_to(aside) for path in aside.rglob("*") if path.is_file()}
        return there <= new and all(
            cmp(folder / name, aside / name, shallow=False)
            for name in new - {paths.manifest.relative_to(folder)}
        )
    except (FileError, OSError):  # it is not whole
        return False


def refuse_too_small(folder: Path, needed: int) -> None:
    """Raise FileError if the disk has no room for so many bytes."""
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
    """Return the files that are not as they were exported, those included whose edits were accepted."""
    found = load(folder)
    seals = {each.file: each.sha256 for each in found.files}
    seals |= {each.file: each.sha256 for each in found.companions}
    now = [
        name for name, seal in seals.items() if (folder / name).is_file() and digest(folder / name) != seal
    ]
    accepted = [file for former in found.history for file in former.files]
    return list(dict.fromkeys([*now, *accepted]))
