"""What the journal keeps of a bundle, so that it can be rolled back when its folder was changed, or is gone.

That is its rollback files, and of its manifest what a rollback asks for: no row, no sample of one, no note.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePath

from migplan.bundle import manifest as manifests
from migplan.bundle.manifest import BundleFile, Manifest
from migplan.bundle.paths import BundlePaths
from migplan.bundle.verified import FileText, VerifiedBundle, is_inside
from migplan.errors import BundleError, FileError, JournalError, RefusedError
from migplan.run.bundle import receipt
from migplan.run.engine import journal_integrity
from migplan.run.engine.journal import PROOFS, Journal, Run
from migplan.sealed_files import Seal

FOLDER = "folder"
"""Under which name a run remembers what the folder was called."""
_MANIFEST = "manifest.json"
_SHOWN = 10


@dataclass(frozen=True, slots=True)
class LocalBundle:
    """The bundle in the folder that people named, or that was found.

    It need not be the one that was applied.
    """

    folder: Path | None = None
    bundle: VerifiedBundle | None = None
    why: str = ""  # there is no bundle in it that could run
    manifest: Manifest | None = None  # where it can be read
    named: bool = True  # people said it

    @classmethod
    def of(cls, bundle: VerifiedBundle) -> LocalBundle:
        """Return the local bundle of a folder that holds one."""
        return cls(bundle.paths.folder, bundle, manifest=bundle.manifest)


def of_bundle(bundle: VerifiedBundle) -> dict[str, bytes]:
    """Return what the journal is to keep of a bundle, by file."""
    manifest = bundle.manifest
    files = tuple(_without_blocks(file) for file in manifest.files)
    needed = manifest.model_copy(
        update={
            "files": files,
            "notes": (),
            "carried": (),
            "left_out": (),
            "foreign_keys": (),
            "needed_roles": (),
        }
    )
    content = needed.model_dump(mode="json", exclude_defaults=True) | {"migplan_bundle": manifests.FORMAT}
    kept = {_MANIFEST: json.dumps(content, ensure_ascii=False).encode()}
    for file in manifest.files:
        name = f"rollback/{file.file}"
        kept[name] = bundle.files.read(name)
    return kept


@contextmanager
def as_applied(journal: Journal, run: Run, beside: LocalBundle) -> Iterator[VerifiedBundle]:
    """Return the bundle of a run as it was applied, for a block: from the journal, else from the folder."""
    kept = {file: text for file, text in journal.kept(run.run).items() if not file.startswith(PROOFS)}
    if not kept:
        yield _of_folder(journal, run, beside)
        return
    with tempfile.TemporaryDirectory(prefix="migplan-rollback-") as place:
        bundle = _unpacked(journal, run, kept, Path(place))
        _refuse_another(journal, run, bundle, beside)
        yield bundle


def difference(journal: Journal, run: Run, beside: LocalBundle) -> str:
    """Return how the folder differs from what was applied, or ''."""
    if beside.bundle is not None:
        if beside.bundle.digest == run.digest:
            return ""
        changes = "\n  ".join(changed(journal, run, beside.bundle))
        where = kept_in(beside.folder, run)
        return f"{beside.folder} is not what was applied{where}:\n  {changes}"
    return beside.why + kept_in(beside.folder, run)


def kept_in(folder: Path | None, run: Run) -> str:
    """Return in which folder an export has kept what a run applied, to stand behind a sentence; or ''."""
    found = receipt.find_kept(folder, run.digest) if folder is not None else None
    return f"; what was applied is kept in {found}, since a later export took its place" if found else ""


def changed(journal: Journal, run: Run, bundle: VerifiedBundle) -> list[str]:
    """Return the first differences between a bundle and that of a run."""
    then = {entry.file: entry.file_digest for entry in journal.entries(run.run)}
    now = {file.file: file.sha256 for file in bundle.manifest.files}
    found = [
        *(f"{name} was changed" for name in then if name in now and then[name] != now[name]),
        *(f"{name} is not there any more" for name in then if name not in now),
        *(f"{name} is new" for name in now if name not in then),
    ]
    return found[:_SHOWN] or ["its manifest was changed"]


def _refuse_another(journal: Journal, run: Run, bundle: VerifiedBundle, beside: LocalBundle) -> None:
    """Raise RefusedError if the folder that people named holds another bundle than the applied one."""
    if not beside.named or beside.folder is None:
        return
    applied = f"{bundle.name} of the database {bundle.manifest.database}"
    what = "no bundle"
    if beside.manifest is not None:
        what = f"{beside.manifest.name} of the database {beside.manifest.database}"
    elif beside.folder.resolve().name in {run.bundle, run.before.get(FOLDER)}:
        return
    if what != applied:
        raise RefusedError(
            f"{beside.folder} is {what}, and what was applied to {journal.address} last is {applied} "
            f"(run {run.run}); nothing was changed",
            do="to roll that back, leave out the folder: migplan rollback --target TARGET",
        )


def _of_folder(journal: Journal, run: Run, beside: LocalBundle) -> VerifiedBundle:
    """Return the bundle in the folder: of runs of earlier versions of migplan, the journal keeps nothing."""
    if beside.bundle is not None and beside.bundle.digest == run.digest:
        return beside.bundle
    raise BundleError(
        f"the journal in {journal.address} keeps nothing of run {run.run} ({run.bundle}), which "
        f"{run.program} began, and only the folder that was applied can tell how to roll it back"
        + (f":\n{said}" if (said := difference(journal, run, beside)) else ""),
        do="name the folder of the bundle that was applied; its manifest.json has the SHA-256 "
        f"{run.digest}. To end the run without rolling it back: migplan rollback --target TARGET --abandon",
    )


def _unpacked(journal: Journal, run: Run, kept: Mapping[str, bytes], folder: Path) -> VerifiedBundle:
    """Return the bundle that the journal keeps; raise JournalError if it is not the one that was applied."""
    (folder / "rollback").mkdir()
    for file, content in kept.items():
        if not is_inside(file) or (file != _MANIFEST and PurePath(file).parent != PurePath("rollback")):
            raise _altered(journal, f"it keeps {file!r} of run {run.run}, which is no file of a bundle")
        (folder / file).write_bytes(content)
    manifest = _manifest(journal, run, kept, folder)
    seals = {file: Seal.of_bytes(content) for file, content in kept.items()}
    digests = {each.file: each.sha256 for each in manifest.companions}
    for needed in (f"rollback/{file.file}" for file in manifest.files):
        if needed not in kept:
            raise _altered(journal, f"it does not keep {needed} of run {run.run} any more")
        if hashlib.sha256(kept[needed]).hexdigest() != digests.get(needed, ""):
            raise _altered(journal, f"it keeps another {needed} than run {run.run} came with")
    texts = {file: FileText.of(content) for file, content in kept.items()}
    return VerifiedBundle(BundlePaths(folder), manifest, run.digest, seals, texts)


def _manifest(journal: Journal, run: Run, kept: Mapping[str, bytes], folder: Path) -> Manifest:
    try:
        return manifests.of_content(json.loads(kept.get(_MANIFEST, b"null")), folder / _MANIFEST)
    except (FileError, ValueError, RecursionError):
        what = "is no manifest" if _MANIFEST in kept else "is not there any more"
        raise _altered(journal, f"the {_MANIFEST} that it keeps of run {run.run} {what}") from None


def _altered(journal: Journal, what: str) -> JournalError:
    return journal.was_altered(what, do=journal_integrity.RESTORE_OR_END)


def _without_blocks(file: BundleFile) -> BundleFile:
    steps = tuple(step.model_copy(update={"blocks": ()}) for step in file.steps)
    return file.model_copy(update={"steps": steps})
