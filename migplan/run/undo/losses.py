"""What a rollback would take away, with numbers: for people to look at before they agree."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from migplan.bundle.verified import VerifiedBundle
from migplan.names import QualifiedName
from migplan.postgres.address import Address
from migplan.run.engine.journal import Run
from migplan.run.undo.row_counts import TableRows

_REFRESHED = "materialised views"  # as bundles call the step that fills them

# Neither of these is an object: they go with one, or are said of one.
_NO_OBJECTS = frozenset(
    {
        "ACL",
        "COMMENT",
        "DEFAULT",
        "DEFAULT ACL",
        "INDEX ATTACH",
        "PUBLICATION TABLE",
        "PUBLICATION TABLES IN SCHEMA",
        "ROW SECURITY",
        "SECURITY LABEL",
        "SEQUENCE OWNED BY",
        "SHELL TYPE",
        "TABLE ATTACH",
    }
)


@dataclass(frozen=True, slots=True)
class Losses:
    """What would go: rows that are there now, and objects as far as the run came to make them."""

    address: Address
    run: Run
    files: tuple[str, ...]  # that would be rolled back, in that order
    stay: tuple[str, ...]  # that were done, and stay
    tables: Sequence[TableRows]
    objects: Mapping[str, int]  # by kind
    preexisting: tuple[str, ...]  # what was there before, and stays
    data_only: bool
    also_changed: bool
    everything: bool  # the whole run, because no part of it was named
    before_rows: str = ""  # the file to go back to before rows can come again, where keys came after them
    differs: str = ""  # in which way the folder beside is not what was applied

    @property
    def rows(self) -> int:
        """Rows that would go."""
        return sum(self._goes(table) for table in self.tables)

    @property
    def own(self) -> int:
        """Rows that the run brought, and nobody changed since."""
        return sum(table.own for table in self.tables)

    @property
    def others(self) -> int:
        """Rows that were there before, or came or were changed since, in the tables that are concerned."""
        return sum(table.others for table in self.tables)

    @property
    def loses_others(self) -> bool:
        """Whether rows would go that the run did not bring, or that cannot be told."""
        return self.others_go and any(table.others or table.rows is None for table in self.tables)

    @property
    def others_go(self) -> bool:
        """Whether such rows go at all."""
        return self.also_changed or not self.data_only

    def _goes(self, table: TableRows) -> int:
        return (table.rows or 0) if self.others_go else table.own


def objects_of(
    bundle: VerifiedBundle, files: Sequence[str], preexisting: Collection[tuple[str, str]]
) -> dict[str, int]:
    """The objects that those files make, by kind, without schemas and extensions that were there before."""
    found = Counter(
        moved.kind.lower()
        for moved in bundle.manifest.objects
        if moved.file in files
        and moved.kind not in _NO_OBJECTS
        and (moved.kind, moved.name) not in preexisting
    )
    return dict(sorted(found.items()))


def before_rows(bundle: VerifiedBundle, stay: Sequence[str], emptied: Sequence[str]) -> str:
    """The last file before the rows, if keys or event triggers stay that the bundle makes after them."""
    phases = {file.file: file.phase for file in bundle.manifest.files}
    schema = [file for file in stay if phases.get(file) == "schema"]
    later = any(phases.get(file) == "constraints" for file in stay)
    later = later or any(made_after_rows(bundle, file) for file in emptied)
    return schema[-1] if schema and later else ""


def made_after_rows(bundle: VerifiedBundle, file: str) -> list[str]:
    """The steps of a data file that make objects; those stay when only the rows are rolled back."""
    return [
        step.name
        for each in bundle.manifest.files
        if each.file == file and bundle.manifest.contents != "data"
        for step in each.steps
        if step.alone and not step.tables and step.name != _REFRESHED
    ]


def tables_of(bundle: VerifiedBundle, files: Sequence[str]) -> list[QualifiedName]:
    """The tables that those files make or fill, in the order of the plan."""
    manifest = bundle.manifest
    groups = {file.group for file in manifest.files if file.file in files and file.phase == "data"}
    made = {
        QualifiedName(moved.in_schema, moved.name)
        for moved in manifest.objects
        if moved.kind == "TABLE" and moved.file in files
    }
    listed = [table.name for table in manifest.tables if table.group in groups or table.name in made]
    return list(dict.fromkeys([*listed, *sorted(made)]))
