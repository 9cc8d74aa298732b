"""Files that must stay as they were when they were checked: what is read later is compared before it is used.

A file is hashed once, as a whole and block by block. Whoever reads a part of it later gets bytes of blocks
that were hashed again just now. So a file that was replaced or changed meanwhile is refused before anything
of it is sent, and nothing is read once more for that.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from migplan.errors import FileError

BLOCK = 1 << 18
_SIZE = hashlib.sha256().digest_size


@dataclass(frozen=True, slots=True)
class Seal:
    """What a file was when it was checked."""

    sha256: str
    size: int
    blocks: bytes = field(repr=False)  # the SHA-256 of each block, one behind the other

    @classmethod
    def of(cls, stream: BinaryIO, on_block: Callable[[bytes], None] = lambda _data: None) -> Seal:
        """Read a file to its end; whoever wants to look at its bytes gets them block by block."""
        whole, blocks, size = hashlib.sha256(), bytearray(), 0
        while data := _block(stream, BLOCK):
            whole.update(data)
            blocks += hashlib.sha256(data).digest()
            size += len(data)
            on_block(data)
        return cls(whole.hexdigest(), size, bytes(blocks))

    @classmethod
    def of_file(cls, file: Path, on_block: Callable[[bytes], None] = lambda _data: None) -> Seal:
        """Read a file, as :meth:`of` does; OSError when that fails."""
        with file.open("rb", buffering=0) as stream:
            return cls.of(stream, on_block)

    @classmethod
    def of_bytes(cls, data: bytes) -> Seal:
        """The seal of what was read already."""
        return cls.of(io.BytesIO(data))


@dataclass(frozen=True)
class SealedFiles:
    """Files of a folder, by their names in it; those without a seal are opened as they are."""

    folder: Path
    seals: Mapping[str, Seal] = field(default_factory=dict)

    def path(self, name: str) -> Path:
        """Where a file lies."""
        return self.folder / name

    def open(self, name: str) -> BinaryIO:
        """Its bytes, each compared before it is handed out: FileError where it is another file by now."""
        file, seal = self.path(name), self.seals.get(name)
        if seal is None:
            return file.open("rb")
        return io.BufferedReader(_Compared(file.open("rb", buffering=0), seal, file), BLOCK)

    def read(self, name: str) -> bytes:
        """All of it."""
        with self.open(name) as stream:
            return stream.read()


class _Compared(io.RawIOBase):
    """A file that is read by the block."""

    def __init__(self, stream: io.FileIO, seal: Seal, file: Path) -> None:
        self._stream = stream
        self._seal = seal
        self._file = file
        self._at = 0
        self._block = (-1, b"")  # the last one that was read

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Move to a place."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._seal.size}[whence]
        self._at = max(base + offset, 0)
        return self._at

    def readinto(self, buffer: object, /) -> int:
        """As much as there is room for in one block, or less."""
        view = memoryview(buffer)  # type: ignore[arg-type]  # whatever holds bytes
        if self._at >= self._seal.size:
            return 0
        number, start = divmod(self._at, BLOCK)
        found = self._compared(number)[start : start + len(view)]
        view[: len(found)] = found
        self._at += len(found)
        return len(found)

    def close(self) -> None:
        """Close the file."""
        self._stream.close()
        super().close()

    def _compared(self, number: int) -> bytes:
        if self._block[0] != number:
            self._stream.seek(number * BLOCK)
            wanted = min(BLOCK, self._seal.size - number * BLOCK)
            data = _block(self._stream, wanted)
            if hashlib.sha256(data).digest() != self._seal.blocks[number * _SIZE : (number + 1) * _SIZE]:
                raise FileError(
                    f"{self._file} was changed after it was read, when the command began",
                    do="put it back as it was, and run the same command again",
                    file=self._file,
                )
            self._block = (number, data)
        return self._block[1]


def _block(stream: BinaryIO | io.FileIO, size: int) -> bytes:
    """So many bytes, or all that are left."""
    data = b""
    while len(data) < size and (more := stream.read(size - len(data))):
        data += more
    return data
