"""The SQL as it was exported, kept beside it without its rows: what an edit by hand is compared with."""

from collections.abc import Iterable
from pathlib import Path

from migplan.bundle.manifest import BundleFile, Manifest
from migplan.bundle.paths import BundlePaths
from migplan.files import read_text


def as_value(manifest: Manifest, paths: BundlePaths) -> dict[str, list[str]]:
    """Return the lines of every file that runs, without rows, and of those that roll them back."""
    found = {file.file: sql_of(paths.step(file.file), file) for file in manifest.files}
    for file in manifest.files:
        found[f"rollback/{file.file}"] = read_text(paths.rollback(file.file)).splitlines()
    return found


def sql_of(path: Path, file: BundleFile) -> list[str]:
    """Return the lines of a file; in the place of rows stands how many there are, if they are in the file."""
    parts: list[bytes] = []
    with path.open("rb") as stream:
        for start, end, rows in _rows(file):
            parts.append(stream.read(max(start - stream.tell(), 0)))
            if rows is not None:
                parts.append(f"-- ({rows:,} rows)\n".encode())
            stream.seek(max(end, stream.tell()))
        parts.append(stream.read())
    return b"".join(parts).decode("utf-8", "replace").splitlines()


def _rows(file: BundleFile) -> Iterable[tuple[int, int, int | None]]:
    blocks = [block for step in file.steps for block in step.blocks]
    return [
        (block.start, block.end, None if block.query else block.rows)
        for block in sorted(blocks, key=lambda block: (block.start, block.end))
    ]
