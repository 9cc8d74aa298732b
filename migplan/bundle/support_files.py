"""The files beside those that run: how to roll them back, how to validate, what is to come out, a page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from migplan.bundle.check import validation_queries
from migplan.bundle.manifest import Companion, Manifest, digest
from migplan.bundle.options import Source
from migplan.bundle.order_page import order_page
from migplan.bundle.paths import BundlePaths
from migplan.bundle.schema import attributes
from migplan.bundle.schema.expectation import as_in_target, gone
from migplan.bundle.schema.ownership import Ownership
from migplan.bundle.schema.roles import Owners
from migplan.bundle.undo.rollback_files import undo_data, undo_schema
from migplan.catalog.attributes import as_json as attributes_as_json
from migplan.catalog.layout import as_text
from migplan.catalog.store import as_json
from migplan.plan.model import Plan


def write_companions(
    paths: BundlePaths,
    manifest: Manifest,
    plan: Plan,
    source: Source,
    belonging: Ownership,
    orders: Mapping[str, Sequence[int]],
    owners: Owners,
) -> Manifest:
    """Write them, and return the manifest that names them; ``orders`` has the entries of each file."""
    texts = dict(_texts(paths, manifest, plan, source, belonging, orders, owners))
    for path, text in texts.items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    companions = tuple(
        Companion(file=path.relative_to(paths.folder).as_posix(), sha256=digest(path)) for path in texts
    )
    return manifest.model_copy(update={"companions": companions})


def _texts(
    paths: BundlePaths,
    manifest: Manifest,
    plan: Plan,
    source: Source,
    belonging: Ownership,
    orders: Mapping[str, Sequence[int]],
    owners: Owners,
) -> Iterator[tuple[Path, str]]:
    for file in manifest.files:
        order = orders.get(file.file, ())
        if file.phase == "data":
            text = undo_data(manifest, file.file, source.catalog, order, belonging, owners)
        else:
            text = undo_schema(manifest, file.file, order, belonging, owners)
        yield paths.rollback(file.file), text
    if manifest.contents != "schema":
        yield paths.row_counts, validation_queries.row_counts(manifest, source.catalog)
        yield paths.self_references, validation_queries.self_references(manifest, source.catalog)
    yield paths.foreign_keys, validation_queries.foreign_keys(manifest, source.catalog)
    yield paths.order, order_page(manifest, plan, source.tree)
    expected = as_in_target(source.catalog, gone(manifest, belonging.entries.values()), owners)
    yield paths.catalog, as_text(as_json(expected, observations=False))
    if manifest.contents != "data":
        moved = [(each.kind, each.in_schema, each.name) for each in manifest.objects]
        found = attributes.as_in_target(source.attributes, expected, moved, owners)
        yield paths.attributes, as_text(attributes_as_json(found))
