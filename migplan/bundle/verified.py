"""A bundle whose bytes are those that were exported: the only kind that runs."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from migplan.bundle import manifest as manifests
from migplan.bundle.manifest import Manifest
from migplan.bundle.paths import BundlePaths
from migplan.errors import BundleError
from migplan.progress import Progress, no_progress
from migplan.sealed_files import Seal, SealedFiles

_SHOWN = 10


@dataclass(frozen=True)
class VerifiedBundle:
    """A bundle that was looked at: its files are what its manifest says."""

    paths: BundlePaths
    manifest: Manifest
    digest: str  # of the manifest, which has the digests of everything else
    seals: Mapping[str, Seal] = field(default_factory=dict, repr=False)

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
            do="export the bundle anew",
            file=paths.manifest,
        )
    wrong = []
    with ThreadPoolExecutor(2, thread_name_prefix="digest") as pool:
        seals = dict(zip(expected, pool.map(lambda name: _seal(folder / name), expected), strict=True))
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
            do=f"look closer with: migplan check {folder}; then undo the change, or export the bundle anew",
            file=paths.manifest,
        )
    return VerifiedBundle(paths, manifest, digest, {name: seal for name, seal in seals.items() if seal})


def is_inside(name: str) -> bool:
    """Whether a manifest's name of a file leads to one of the bundle's folder."""
    """Whether a name stays within the folder that it is read in."""
    path = Path(name)
    return not path.is_absolute() and ".." not in path.parts


def _seal(file: Path) -> Seal | None:
    try:
        return Seal.of_file(file)
    except OSError:
        return None
