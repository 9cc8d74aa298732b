"""Flyway: ``V1.2__name.sql``; ``U1.2__name.sql`` rolls it back; ``R__name.sql`` runs whenever it changed."""

import re
from collections.abc import Iterator
from pathlib import Path

from migplan.migrations.model import Migration, Style
from migplan.migrations.styles.building import Listing, listing

STYLE = Style.FLYWAY
_NAME = re.compile(r"(?:([VUB])(\d+(?:[._]\d+)*)|R)__.+\.sql")
_OUTSIDE = re.compile(rb"^\s*executeInTransaction\s*=\s*false\b", re.MULTILINE | re.IGNORECASE)


def recognises(listing: Listing) -> bool:
    """A name with two underscores after its version."""
    return any(_NAME.fullmatch(file.name) for file in listing.files)


def read(found: Listing) -> Iterator[Migration]:
    """The migrations of the folder and of those in it."""
    files = [*found.files, *_below(found.path)]
    named = {file: name for file in files if (name := _NAME.fullmatch(file.name))}
    back: dict[str, Path] = {}
    for file, name in named.items():
        if name[1] == "U":
            back[_version(name[2])] = file
    versions: set[str] = set()
    for file, name in named.items():
        if name[1] == "B":
            found.note(file, "a baseline: it is for databases that are made from it, and is not read")
        elif name[1] != "U":
            version = _version(name[2]) if name[1] else ""
            versions.add(version)
            source = found.source(file)
            undo = back.get(version) if version else None
            yield found.migration(
                source,
                file.stem,
                version,
                down=found.whole(undo) if undo else None,
                in_transaction=not _runs_outside(file),
                repeatable=not version,
            )
    for version, file in back.items():
        if version not in versions:
            found.note(file, f"rolls back version {version}, which is not there")
    for file in files:
        if file.suffix == ".sql" and file not in named:
            what = "its name is none that Flyway would take for a migration's; it is not read"
            found.note(file, what, left_out=True)


def _below(path: Path) -> Iterator[Path]:
    for folder in sorted(each for each in path.iterdir() if each.is_dir()):
        yield from listing(folder).files
        yield from _below(folder)


def _version(text: str) -> str:
    """``1_2`` is ``1.2``, and ``1.0`` is ``1``."""
    parts = [str(int(part)) for part in re.split(r"[._]", text)]
    while len(parts) > 1 and parts[-1] == "0":
        parts.pop()
    return ".".join(parts)


def _runs_outside(file: Path) -> bool:
    settings = file.with_name(f"{file.name}.conf")
    return settings.is_file() and bool(_OUTSIDE.search(settings.read_bytes()))
