"""A bundle whose bytes are those that were exported: the only kind that runs."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from operator import itemgetter
from pathlib import Path
from shlex import quote
from sys import maxsize

from migplan.bundle import manifest as manifests
from migplan.bundle.manifest import Manifest
from migplan.bundle.paths import BundlePaths
from migplan.errors import BundleError
from migplan.progress import Progress, no_progress
from migplan.sealed_files import Seal, SealedFiles

_SHOWN = 10


class FileText:
    """What of a file is SQL: all but its rows, each part at the place where it stands in the file."""

    def __init__(self, rows: Iterable[tuple[int, int]] = ()) -> None:
        self._rows = sorted(rows)  # the bytes from one place up to the other
        self._next = 0  # the first of these that does not lie behind us
        self._at = 0
        self._parts: list[tuple[int, bytearray]] = []
        self._lines: Counter[int] = Counter()  # that end in rows, by the place where these begin

    @classmethod
    def of(cls, data: bytes) -> FileText:
        """A file that holds no rows."""
        found = cls()
        found.add(data)
        return found

    def add(self, data: bytes) -> None:
        """Take the next bytes of the file."""
        while data:
            while self._next < len(self._rows) and self._rows[self._next][1] <= self._at:
                self._next += 1
            start, end = self._rows[self._next] if self._next < len(self._rows) else (maxsize, maxsize)
            if self._at < start:
                taken = data[: start - self._at]
                if not self._parts or self._parts[-1][0] + len(self._parts[-1][1]) < self._at:
                    self._parts.append((self._at, bytearray()))
                self._parts[-1][1].extend(taken)
            else:
                taken = data[: end - self._at]
                self._lines[start] += taken.count(b"\n")
            self._at += len(taken)
            data = data[len(taken) :]

    def __bytes__(self) -> bytes:
        return b"".join(part for _, part in self._parts)

    def between(self, start: int, end: int) -> bytes:
        """The bytes from one place up to another, where no rows are."""
        place = bisect_right(self._parts, start, key=itemgetter(0)) - 1
        if place < 0:
            return b""
        first, part = self._parts[place]
        return bytes(part[start - first : max(end - first, 0)])

    def lines_of_rows(self, start: int) -> int:
        """How many lines end in the rows that begin there."""
        return self._lines[start]


@dataclass(frozen=True)
class VerifiedBundle:
    """A bundle that was looked at: its files are what its manifest says.

    Each was read once for that, and what whoever applies it asks of its SQL was kept.
    """

    paths: BundlePaths
    manifest: Manifest
    digest: str  # of the manifest, which has the digests of everything else
    seals: Mapping[str, Seal] = field(default_factory=dict, repr=False)
    texts: Mapping[str, FileText] = field(default_factory=dict, repr=False)

    @property
    def files(self) -> SealedFiles:
        """The files, as they were when they were looked at."""
        return SealedFiles(self.paths.folder, self.seals)

    @property
    def name(self) -> str:
        """What messages call it."""
        return self.manifest.name


def load_verified(folder: Path, on_progress: Progress = no_progress) -> VerifiedBundle:
    """The bundle of a folder; BundleError names each file that is missing or was changed."""
    manifest, digest = manifests.load_with_digest(folder)
    paths = BundlePaths(folder)
    expected = {each.file: each.sha256 for each in manifest.files}
    expected |= {each.file: each.sha256 for each in manifest.companions}
    outside = [name for name in expected if not is_inside(name)]
    if outside:
        raise BundleError(
            f"{paths.manifest} names {outside[0]!r}, which is no file of the bundle",
            do="export the bundle again",
            file=paths.manifest,
        )
    rows = {
        file.file: [(b.start, b.end) for step in file.steps for b in step.blocks] for file in manifest.files
    }
    texts = {name: FileText(rows.get(name, ())) for name in expected}
    wrong = []
    with ThreadPoolExecutor(2, thread_name_prefix="digest") as pool:
        seals = dict(
            zip(expected, pool.map(lambda name: _seal(folder / name, texts[name]), expected), strict=True)
        )
        for number, (name, seal) in enumerate(seals.items()):
            on_progress("checking the files", number, len(expected))
            if seal is None:
                wrong.append(f"{name} is missing")
            elif seal.sha256 != expected[name]:
                wrong.append(f"{name} was changed after the export")
    if wrong:
        more = f"\n  and {len(wrong) - _SHOWN} more" if len(wrong) > _SHOWN else ""
        raise BundleError(
            f"{folder} is not the bundle that was exported:\n  " + "\n  ".join(wrong[:_SHOWN]) + more,
            do=f"look closer with: migplan check {quote(str(folder))}; then undo the change, export the "
            "bundle again, or take over what is meant, with --accept",
            file=paths.manifest,
        )
    return VerifiedBundle(
        paths, manifest, digest, {name: seal for name, seal in seals.items() if seal}, texts
    )


def is_inside(name: str) -> bool:
    """Whether a name stays within the folder that it is read in."""
    path = Path(name)
    return not path.is_absolute() and ".." not in path.parts


def _seal(file: Path, text: FileText) -> Seal | None:
    try:
        return Seal.of_file(file, text.add)
    except OSError:
        return None
