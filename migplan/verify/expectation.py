"""The expected state of a target: the manifest and the catalog of a bundle, read from its folder."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from migplan.bundle import manifest as manifests
from migplan.bundle.manifest import LoadedTable, Manifest
from migplan.bundle.paths import BundlePaths
from migplan.bundle.schema.expectation import applied_by, attributes_applied_by
from migplan.catalog import attributes, store
from migplan.catalog.attributes import Attributes
from migplan.catalog.model import Catalog
from migplan.errors import FileError
from migplan.files import json_of, read_bytes
from migplan.names import QualifiedName


@dataclass(frozen=True)
class Expectation:
    """What a bundle says of the target that it produces."""

    paths: BundlePaths
    manifest: Manifest
    catalog: Catalog
    attributes: Attributes | None = None  # None: an earlier migplan wrote the bundle
    large_objects: Mapping[int, Mapping[str, Any]] = field(default_factory=dict)  # by their numbers

    @property
    def loaded(self) -> dict[QualifiedName, LoadedTable]:
        """The tables whose rows are in the bundle."""
        names = self.catalog.by_text
        return {
            names[table.table]: table
            for table in self.manifest.tables
            if table.brings_rows and table.table in names
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
    def leaves_owners_open(self) -> bool:
        """Whether something was added by hand that no file gives an owner."""
        return bool(self.manifest.history) and self.manifest.keeps_owners and self.with_schema

    def applied_by(self, role: str) -> Expectation:
        """Return the expectation where this role applies the bundle, and owns what no file gives an owner."""
        more = attributes_applied_by(self.attributes, role) if self.attributes else None
        return replace(self, catalog=applied_by(self.catalog, role), attributes=more)

    @property
    def families(self) -> dict[QualifiedName, frozenset[QualifiedName]]:
        """Of each loaded table, itself and all of its partitions."""
        found = {name: {name} for name in self.loaded}
        for name, top in self.catalog.tops.items():
            if top in found:
                found[top].add(name)
        return {name: frozenset(family) for name, family in found.items()}


def load(folder: Path) -> Expectation:
    """Return the expectation of a bundle; raise FileError if its files are missing or were changed."""
    paths = BundlePaths(folder)
    manifest = manifests.load(folder)
    listed = {companion.file: companion.sha256 for companion in manifest.companions}
    if paths.catalog.name not in listed:
        raise FileError(
            f"{folder} has no {paths.catalog.name}: an earlier migplan wrote it, and it does not say what "
            "comes out",
            do="export the bundle again",
            file=paths.catalog,
        )
    catalog = store.from_json(_content(paths.catalog, listed), paths.catalog)
    large = _large_objects(paths.large_objects, listed)
    return Expectation(paths, manifest, catalog, _attributes(paths.attributes, listed), large)


def _large_objects(file: Path, listed: Mapping[str, str]) -> dict[int, Mapping[str, Any]]:
    if file.name not in listed:
        return {}
    try:
        return {each["oid"]: each for each in _content(file, listed)["large_objects"]}
    except (KeyError, TypeError) as error:
        raise FileError(
            f"{file} does not hold what migplan writes there: {error}",
            do="export the bundle again",
            file=file,
        ) from None


def _attributes(file: Path, listed: Mapping[str, str]) -> Attributes | None:
    if file.name not in listed:
        return None
    try:
        return attributes.from_json(_content(file, listed))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise FileError(
            f"{file} does not hold what migplan writes there: {error}",
            do="export the bundle again",
            file=file,
        ) from None


def _content(file: Path, listed: Mapping[str, str]) -> Any:
    """The JSON of a file as the export left it."""
    try:
        data = read_bytes(file)
        is_other = hashlib.sha256(data).hexdigest() != listed[file.name]
        content = json_of(data, file)
    except FileError as error:
        raise manifests.unreadable(file, error.what) from None
    if is_other:
        raise manifests.changed(file)
    return content
