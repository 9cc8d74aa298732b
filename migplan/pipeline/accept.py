"""A bundle that was edited on purpose is sealed anew: a throwaway server says what comes out of it now.

The bundle is applied there as it is now, read, and rolled back. What is expected of a target is what this
server has; and the way back must leave nothing of it.
"""

from __future__ import annotations

import getpass
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from migplan.bundle import manifest as manifests
from migplan.bundle import signing
from migplan.bundle.check import validation_queries
from migplan.bundle.check.edits import Edits, names_of
from migplan.bundle.data import sequences
from migplan.bundle.data.self_references import shapes
from migplan.bundle.manifest import FormerSeal, LoadedTable, Manifest, SupportFile
from migplan.bundle.paths import BundlePaths
from migplan.bundle.schema.expectation import OPEN, attributes_in_target, catalog_in_target
from migplan.bundle.schema.roles import Owners
from migplan.bundle.verified import load_verified
from migplan.catalog import digests
from migplan.catalog import store as catalogs
from migplan.catalog.attributes import Attributes
from migplan.catalog.attributes import as_json as attributes_as_json
from migplan.catalog.compare import differences
from migplan.catalog.layout import as_text
from migplan.catalog.model import Catalog
from migplan.errors import BundleError, DatabaseError, RefusedError
from migplan.files import read_text, write_whole
from migplan.pipeline.analyze import read_catalog
from migplan.pipeline.apply import apply_bundle, scratch_for
from migplan.postgres.address import Address
from migplan.postgres.session import reading
from migplan.postgres.snapshot_pool import snapshot_pool
from migplan.progress import Progress, no_progress
from migplan.run.bundle.apply import ApplyOptions
from migplan.run.bundle.kept import LocalBundle
from migplan.run.bundle.no_rows import NoRows
from migplan.run.engine import events
from migplan.run.engine.options import RunOptions
from migplan.run.undo.rollback import RollbackOptions, rollback
from migplan.verify.expectation import Expectation, load
from migplan.verify.target import less_provided, verify_target

_SHOWN = 20


def accept(folder: Path, edits: Edits, on_progress: Progress = no_progress) -> Manifest:
    """Seal a bundle anew as it is now; BundleError says why it cannot be, and nothing is changed then."""
    paths = BundlePaths(folder)
    seal = FormerSeal(
        digest=edits.digest,
        accepted_at=datetime.now(UTC).isoformat(timespec="seconds"),
        accepted_by=_user(),
        files=tuple(change.file for change in edits.changes),
    )
    history = (*edits.manifest.history, seal)
    edits = replace(edits, manifest=edits.manifest.model_copy(update={"history": history}))
    manifest, texts = edits.manifest, dict[Path, str]()
    stand_ins = paths.stubs.relative_to(folder).as_posix()
    if (
        edits.runs
        and manifest.contents == "data"
        and not any(e.file == stand_ins for e in manifest.companions)
    ):
        manifest = _counted_only(edits)
    elif edits.runs:
        manifest, texts = _judged(folder, edits, on_progress)
    edited = {change.file for change in edits.changes}
    texts = {path: text for path, text in texts.items() if path.relative_to(folder).as_posix() not in edited}
    if manifest.is_live and paths.catalog in texts and not paths.source_catalog.exists():
        texts[paths.source_catalog] = read_text(paths.catalog)  # with which a source is compared
    for path, text in texts.items():
        _keep_mode(path, text, like=paths.manifest)
    beside = [each.file for each in manifest.companions]
    beside += [name for path in texts if (name := path.relative_to(folder).as_posix()) not in beside]
    companions = tuple(SupportFile(file=name, sha256=manifests.digest(folder / name)) for name in beside)
    manifest = manifest.model_copy(update={"companions": companions})
    _keep_mode(paths.manifest, manifests.as_written(manifest), like=paths.manifest)
    signing.signature_of(paths.manifest).unlink(missing_ok=True)
    return manifest


def _counted_only(edits: Edits) -> Manifest:
    """Return the manifest of rows alone that an earlier migplan wrote: edited ones are only counted.

    No server here has their tables, nor stand-ins for them.
    """
    edited = {change.file for change in edits.changes}
    groups = {file.group for file in edits.manifest.files if file.file in edited}
    tables = tuple(
        table.model_copy(update={"digest": "", "roots": None, "self_references": ()})
        if table.group in groups
        else table
        for table in edits.manifest.tables
    )
    return edits.manifest.model_copy(update={"tables": tables})


def _keep_mode(path: Path, text: str, like: Path) -> None:
    """Write a file whole, for those who may read the one that is there, or another one."""
    mode = (path if path.exists() else like).stat().st_mode & 0o777
    write_whole(path, text)
    path.chmod(mode)


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return ""


@contextmanager
def _as_it_is_now(folder: Path, manifest: Manifest) -> Iterator[Path]:
    """Yield a folder with the files of the bundle, and with the new manifest."""
    with tempfile.TemporaryDirectory(prefix="migplan-accept-") as place:
        aside = Path(place) / folder.resolve().name
        aside.mkdir()
        for path in folder.resolve().iterdir():
            if path != folder.resolve() / BundlePaths(folder).manifest.name:
                (aside / path.name).symlink_to(path)
        manifests.save(manifest, BundlePaths(aside))
        yield aside


def _judged(folder: Path, edits: Edits, on_progress: Progress) -> tuple[Manifest, dict[Path, str]]:
    """Return manifest and texts by what a throwaway server makes of the bundle."""
    on_progress("loading the edited bundle on a throwaway server", 0, 0)
    with _as_it_is_now(folder, edits.manifest) as aside:
        bundle = load_verified(aside)
        runner = f"migplan_{secrets.token_hex(6)}"  # as whom no file says anything
        with scratch_for(bundle, runner) as server:
            before = read_catalog(server.address)
            try:
                rows = NoRows() if edits.manifest.is_live else None
                wanted = ApplyOptions(RunOptions(2), analyzes=False)
                apply_bundle(bundle, server.address, wanted, events.ignore, rows)
            except (DatabaseError, RefusedError) as error:
                raise BundleError(
                    f"the edited bundle does not load, and nothing was accepted: {error}",
                    do=error.do or "fix the files, and run the same command again",
                    file=bundle.paths.manifest,
                ) from None
            found = _expected(folder, load(aside), edits, server.address, runner)
            on_progress("verifying it", 0, 0)
            _refuse_differences(folder, aside, found, server.address)
            on_progress("rolling it back", 0, 0)
            try:
                rollback(LocalBundle.of(bundle), server.address, RollbackOptions(), events.ignore)
            except (DatabaseError, RefusedError) as error:
                raise _no_way_back(folder, str(error)) from None
            left = differences(before, read_catalog(server.address))
    if left:
        shown = "\n  ".join(str(each) for each in left[:_SHOWN])
        raise _no_way_back(folder, f"this is not as it was before:\n  {shown}")
    return found


def _refuse_differences(
    folder: Path, aside: Path, found: tuple[Manifest, dict[Path, str]], address: Address
) -> None:
    """Raise BundleError if what has arrived does not hold together, such as a sequence behind its rows."""
    manifest, texts = found
    there = BundlePaths(aside)
    for path, text in texts.items():
        if path.parent == folder:  # the others nobody compares with
            (aside / path.name).unlink()
            (aside / path.name).write_text(text, encoding="utf-8")
    seals = {each.name: manifests.digest(each) for each in aside.iterdir() if each.is_file()}
    companions = tuple(
        each.model_copy(update={"sha256": seals.get(each.file, each.sha256)}) for each in manifest.companions
    )
    manifests.save(manifest.model_copy(update={"companions": companions}), there)
    verified = verify_target(address, aside)
    if not verified.holds:
        shown = "\n  ".join(map(str, list(verified.differences)[:_SHOWN]))
        raise BundleError(
            f"the edited bundle loads, but would not verify, and nothing was accepted:\n  {shown}",
            do="edit what belongs to it as well (such as the setval at the end of the data file), and run "
            "the same command again",
            file=BundlePaths(folder).manifest,
        )


def _no_way_back(folder: Path, why: str) -> BundleError:
    return BundleError(
        f"the way back does not lead back from the edited bundle, and nothing was accepted: {why}",
        do=f"edit the files in {folder / 'rollback'} as well (what an edit creates, they have to drop), and "
        "run the same command again",
        file=BundlePaths(folder).manifest,
    )


def _expected(
    folder: Path, before: Expectation, edits: Edits, address: Address, runner: str
) -> tuple[Manifest, dict[Path, str]]:
    """Return what a target is to have; whose something is that no file says is left open."""
    paths, manifest = BundlePaths(folder), edits.manifest
    found = read_catalog(address)
    owners = Owners(kept=manifest.keeps_owners, roles={runner: OPEN})
    if manifest.contents == "data":
        catalog = before.catalog  # here are only stand-ins for its tables
    else:
        ours = less_provided(replace(found, attributes=None), before)
        catalog = catalog_in_target(ours, frozenset(), owners)
    texts: dict[Path, str] = {}
    if edits.definitions:
        texts[paths.catalog] = as_text(catalogs.as_json(catalog, observations=False))
        moved = [each.named for each in manifest.objects]
        more = attributes_in_target(found.attributes or Attributes(), catalog, moved, owners)
        texts[paths.attributes] = as_text(attributes_as_json(more))
    inside = {str(name) for name in catalog.by_name}
    manifest = manifest.model_copy(
        update={
            **_arrived(manifest, catalog, address),
            "foreign_keys": tuple(key.label for key in catalog.foreign_keys if str(key.referenced) in inside),
        }
    )
    if manifest.contents != "schema":
        texts[paths.row_counts] = validation_queries.row_counts(manifest, catalog)
        texts[paths.self_references] = validation_queries.self_references(manifest, catalog)
    texts[paths.foreign_keys] = validation_queries.foreign_keys(manifest, catalog)
    known = {folder / each.file for each in manifest.companions}
    return manifest, {path: text for path, text in texts.items() if path in known}


def _arrived(manifest: Manifest, catalog: Catalog, address: Address) -> dict[str, object]:
    """Return what the manifest says of rows; of those that come live nothing is known before they do."""
    if manifest.is_live:
        return {}
    return {
        "tables": tuple(_tables(manifest, catalog, address)),
        "sequences": tuple(_sequences(manifest, catalog, address)),
    }


def _tables(manifest: Manifest, catalog: Catalog, address: Address) -> Iterator[LoadedTable]:
    """Yield the tables with the digests of what has arrived."""
    names = [name for name in names_of(manifest) if name in catalog.by_name]
    with_digests = {str(each.name) for each in manifest.tables if each.digest}
    with reading(address) as session:
        session.export_snapshot()
        with snapshot_pool(session, 2) as pool:
            digester = digests.Digester(pool)
            tables = [catalog.by_name[name] for name in names if str(name) in with_digests]
            method = digester.table_method(same_types=manifest.contents != "data")
            found = digester.each(digests.wanted(catalog, tables), method) if tables else {}
        shape_of = shapes(session, catalog, names)
    for table in manifest.tables:
        digest, shape = found.get(table.name), shape_of.get(table.name)
        yield table.model_copy(
            update={
                "digest": digest.value if digest else "",
                "roots": shape.roots if shape else None,
                "self_references": shape.references if shape else (),
            }
        )


def _sequences(manifest: Manifest, catalog: Catalog, address: Address) -> Iterator[manifests.SequenceValue]:
    by_name = {str(each.name): each for each in catalog.sequences}
    wanted = [by_name[said.sequence] for said in manifest.sequences if said.sequence in by_name]
    with reading(address) as session:
        found, _ = sequences.values(session, wanted, catalog)
    now = {str(each.sequence): each for each in found}
    for said in manifest.sequences:
        if value := now.get(said.sequence):
            yield said.model_copy(update={"value": value.value, "called": value.called})
