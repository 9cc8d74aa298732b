"""What is read of a file is what was checked, whichever part of it, and in whichever order."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from migplan.errors import FileError
from migplan.sealed_files import BLOCK, Seal, SealedFiles

DATA = os.urandom(2 * BLOCK + 4711)
PLACES = st.one_of(
    st.integers(0, len(DATA) + 9), st.sampled_from([0, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK])
)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> SealedFiles:
    folder = tmp_path_factory.mktemp("sealed")
    for name, data in {"f": DATA, "empty": b"", "exact": DATA[:BLOCK]}.items():
        (folder / name).write_bytes(data)
    return SealedFiles(folder, {name: Seal.of_file(folder / name) for name in ("f", "empty", "exact")})


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(reads=st.lists(st.tuples(PLACES, st.integers(0, 2 * BLOCK)), max_size=6))
def test_any_part_is_read(files: SealedFiles, reads: list[tuple[int, int]]) -> None:
    with files.open("f") as stream:
        for start, size in reads:
            stream.seek(start)
            assert stream.read(size) == DATA[start : start + size]


def test_whole_files_are_read(files: SealedFiles) -> None:
    assert files.read("f") == DATA
    assert files.read("empty") == b""
    assert files.read("exact") == DATA[:BLOCK]
    assert Seal.of_bytes(DATA) == files.seals["f"]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(at=st.integers(0, len(DATA) - 1), read=st.integers(0, len(DATA) - 1))
def test_no_byte_of_a_changed_block_is_read(files: SealedFiles, at: int, read: int) -> None:
    other = SealedFiles(files.folder, {"changed": files.seals["f"]})
    changed = bytearray(DATA)
    changed[at] ^= 1
    other.path("changed").write_bytes(changed)
    with other.open("changed") as stream:
        stream.seek(read)
        if at // BLOCK == read // BLOCK:
            with pytest.raises(FileError, match="was changed after it was read"):
                stream.read(1)
        else:
            assert stream.read(1) == DATA[read : read + 1]


@pytest.mark.slow
def test_a_file_that_is_shorter_or_longer_now(tmp_path: Path) -> None:
    files = SealedFiles(tmp_path, {"f": Seal.of_bytes(b"0123456789")})
    files.path("f").write_bytes(b"01234")
    with pytest.raises(FileError, match="was changed"):
        files.read("f")
    files.path("f").write_bytes(b"0123456789; DROP TABLE t")
    assert files.read("f") == b"0123456789"
