"""The statements of a bundle without its rows: what the files define, alter and set, parsed one by one.

The rows are passed over by the bytes that the manifest gives for them, so that it costs little even where
the files are large.
"""

import hashlib
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from postgast import pg_query_pb2 as pg

from migplan.bundle.manifest import BundleFile, Manifest, changed, unreadable
from migplan.bundle.paths import BundlePaths
from migplan.sql.split import CopyRows, pieces
from migplan.sql.statements import parsed


def statements(folder: Path, manifest: Manifest) -> Iterator[tuple[BundleFile, pg.Node]]:
    """Yield every statement of the files that run, in their order, without those that bring rows."""
    paths = BundlePaths(folder)
    for file in manifest.files:
        path = paths.step(file.file)
        try:
            with path.open("rb") as stream:
                # The rows are not counted in the lines, so that only the statement can say where it is.
                found = parsed(_WithoutRows(stream, file), path)
                yield from ((file, each.node) for each in found if each.rows is None)
        except OSError as error:
            raise unreadable(path, error.strerror) from None


def texts(folder: Path, manifest: Manifest) -> Iterator[str]:
    """Yield the statements of the schema and constraints files; FileError if one was changed.

    Roles are none of them: they would be made for the whole server.
    """
    paths = BundlePaths(folder)
    for file in manifest.files:
        if file.phase in {"data", "roles"}:
            continue
        path = paths.step(file.file)
        for piece in pieces(BytesIO(_sealed(path, file.sha256)), path):
            if not isinstance(piece, CopyRows):
                yield piece.text


def stand_ins(folder: Path, manifest: Manifest) -> bytes:
    """Return the SQL that stands in for what targets provide, if any; FileError if it was changed."""
    paths = BundlePaths(folder)
    name = paths.stubs.relative_to(folder).as_posix()
    sealed = next((each.sha256 for each in manifest.companions if each.file == name), None)
    return _sealed(paths.stubs, sealed) if sealed else b""


def _sealed(path: Path, sha256: str) -> bytes:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise unreadable(path, error.strerror) from None
    if hashlib.sha256(content).hexdigest() != sha256:
        raise changed(path)
    return content


class _WithoutRows:
    """A file without the bytes of its rows; what is left is SQL like any other."""

    def __init__(self, stream: BinaryIO, file: BundleFile) -> None:
        self._stream = stream
        self._rows = [(block.start, block.end) for step in file.steps for block in step.blocks]

    def read(self, size: int, /) -> bytes:
        """Read up to so many bytes; none at the end."""
        while self._rows and self._stream.tell() >= self._rows[0][0]:
            self._stream.seek(max(self._rows.pop(0)[1], self._stream.tell()))
        upto = self._rows[0][0] - self._stream.tell() if self._rows else size
        return self._stream.read(min(size, upto))
