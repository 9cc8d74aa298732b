"""What a target is to be: the manifest and the catalog of a bundle, read from its folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from migplan.bundle import manifest as manifests
from migplan.bundle.manifest import LoadedTable, Manifest, digest
from migplan.bundle.paths import BundlePaths
from migplan.catalog import store
from migplan.catalog.model import Catalog, Table
from migplan.config import Strategy
from migplan.errors import FileError
from migplan.files import read_json
from migplan.names import QualifiedName


@dataclass(frozen=True)
class Expectation:
    """A bundle, as far as it says what comes out."""

    paths: BundlePaths
    manifest: Manifest
    catalog: Catalog

    @property
    def loaded(self) -> dict[QualifiedName, LoadedTable]:
        """The tables whose rows are in the bundle."""
        names = {str(name): name for name in self.catalog.by_name}
        return {
            names[table.table]: table
            for table in self.manifest.tables
            if table.strategy is not Strategy.SCHEMA_ONLY and table.table in names
        }

    @property
    def with_rows(self) -> bool:
        """Whether the bundle brings rows."""
        return self.manifest.contents != "schema"

    @property
    def with_schema(self) -> bool:
        """Whether the bundle brings definitions."""
        return self.manifest.contents != "data"

    @property
    def families(self) -> dict[QualifiedName, frozenset[QualifiedName]]:
        """Of each loaded table, itself and all of its partitions."""
        found = {name: {name} for name in self.loaded}
        for table in self.catalog.tables:
            top = self._top(table)
            if top in found:
                found[top].add(table.name)
        return {name: frozenset(family) for name, family in found.items()}

    def _top(self, table: Table) -> QualifiedName:
        while table.partition_of in self.catalog.by_name:
            table = self.catalog.by_name[table.partition_of]
        return table.name


def load(folder: Path) -> Expectation:
    """What the bundle in a folder says; ``FileError`` where it cannot, or its catalog was changed."""
    paths = BundlePaths(folder)
    manifest = manifests.load(folder)
    name = paths.catalog.name
    listed = {companion.file: companion.sha256 for companion in manifest.companions}
    if name not in listed:
        raise FileError(
            f"{folder} has no {name}: an earlier migplan wrote it, and it does not say what comes out",
            do="export the bundle anew",
            file=paths.catalog,
        )
    try:
        content = read_json(paths.catalog)
        changed = digest(paths.catalog) != listed[name]
    except FileError as error:
        raise FileError(
            f"{paths.catalog} cannot be read: {error.what}", do="export the bundle anew", file=paths.catalog
        ) from None
    if changed:
        raise FileError(
            f"{paths.catalog} was changed after the export",
            do="undo the change, or export anew",
            file=paths.catalog,
        )
    return Expectation(paths, manifest, store.from_json(content, paths.catalog))
