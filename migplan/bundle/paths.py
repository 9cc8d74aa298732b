"""Every path of a bundle, in one place.

::

    migrations/muva/
      01-schema-foundation.sql       the plan says these names
      10-data-foundation.sql
      20-constraints-foundation.sql  in the layout after-data only
      rollback/01-schema-foundation.sql   rolls back the file of the same name
      validate/row-counts.sql        read-only; people run these by hand, and read them
      validate/foreign-keys.sql
      validate/self-references.sql
      validate/large-objects.sql     where there are any
      MIGRATION_ORDER.md
      provided/stubs.sql             stand-ins for what the target provides, where it provides nothing
      provided/keys.sql              keys of rows that the target is to have already
      catalog.json                   the structure as it is to be in the target
      source-catalog.json            as it is in the source, where edits of a live bundle made them differ
      attributes.json                what else every object is to have there
      large-objects.json             digest, owner and privileges of each large object, where there are any
      originals.json                 the SQL as it was exported, without rows
      manifest.json
"""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class BundlePaths:
    """The files of the bundle in a folder."""

    folder: Path

    @property
    def manifest(self) -> Path:
        """``manifest.json``: what is in the bundle, to the byte."""
        return self.folder / "manifest.json"

    @property
    def order(self) -> Path:
        """``MIGRATION_ORDER.md``: the same for people."""
        return self.folder / "MIGRATION_ORDER.md"

    @property
    def catalog(self) -> Path:
        """``catalog.json``: the structure as it is to be in the target."""
        return self.folder / "catalog.json"

    @property
    def source_catalog(self) -> Path:
        """``source-catalog.json``: that of the source, where edits by hand made the other one differ."""
        return self.folder / "source-catalog.json"

    @property
    def attributes(self) -> Path:
        """``attributes.json``: what else every object is to have in the target."""
        return self.folder / "attributes.json"

    @property
    def large_objects(self) -> Path:
        """``large-objects.json``: what each large object is to be in the target."""
        return self.folder / "large-objects.json"

    @property
    def stubs(self) -> Path:
        """``provided/stubs.sql``: stand-ins for what the target provides."""
        return self.folder / "provided" / "stubs.sql"

    @property
    def originals(self) -> Path:
        """``originals.json``: the SQL as it was exported, without rows, for who edits it."""
        return self.folder / "originals.json"

    @property
    def keys(self) -> Path:
        """``provided/keys.sql``: keys of rows that the target is to have already."""
        return self.folder / "provided" / "keys.sql"

    @property
    def row_counts(self) -> Path:
        """``validate/row-counts.sql``."""
        return self.folder / "validate" / "row-counts.sql"

    @property
    def foreign_keys(self) -> Path:
        """``validate/foreign-keys.sql``."""
        return self.folder / "validate" / "foreign-keys.sql"

    @property
    def self_references(self) -> Path:
        """``validate/self-references.sql``."""
        return self.folder / "validate" / "self-references.sql"

    @property
    def validated_objects(self) -> Path:
        """``validate/large-objects.sql``."""
        return self.folder / "validate" / "large-objects.sql"

    def step(self, name: str) -> Path:
        """A file that runs, by the name that the plan gives it."""
        return self.folder / name

    def rollback(self, name: str) -> Path:
        """The file that rolls back the one of that name."""
        return self.folder / "rollback" / name
