"""The Plan: groups, order and strategies, each with its reason. It is a file that people read and edit."""

import hashlib
from collections.abc import Iterator
from typing import Annotated

from pydantic import Field, StringConstraints, field_validator

from migplan.config import (
    GroupName,
    Layout,
    PlatformName,
    ProvidedSection,
    SelectionSection,
    Sentence,
    Strategy,
)
from migplan.yamlfile import Section

FORMAT = 1

FileName = Annotated[
    str, StringConstraints(pattern=r"^[^./\\\x00-\x1f][^/\\\x00-\x1f]*\.sql$", max_length=200)
]
"""A file of the bundle's own folder, and nowhere else."""

PlanName = Annotated[str, StringConstraints(pattern=r"^[^./\\\x00-\x1f][^/\\\x00-\x1f]*$", max_length=200)]
"""The bundle's folder is called so, and stands where bundles do."""


def _known(marks: tuple[str, ...], known: tuple[str, ...]) -> tuple[str, ...]:
    for mark in marks:
        if mark not in known:
            raise ValueError(f"{mark!r} is no mark: there are {', '.join(known)}")
    return marks


class PlannedTable(Section):
    """A table's place in the plan."""

    table: str
    depth: int = Field(description="longest way down to a table that needs no other; only noted")
    rows: int | None = Field(None, description="expected rows, only noted; missing when nobody knows")
    estimated: bool = Field(False, description="the rows are the planner's estimate, not a count")
    strategy: Strategy
    keys: tuple[str, ...] = Field(
        (), description="the foreign keys that the strategy is about; of a partition: NAME on PARTITION"
    )
    reason: str = Field("", description="why; stands in comments of the bundle")
    by_hand: tuple[str, ...] = Field((), description="what people decided here: group, strategy")
    structure: str = Field("", description="fingerprint of the table when the plan was made; only noted")

    @field_validator("by_hand")
    @classmethod
    def _known_marks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return _known(value, ("group", "strategy"))

    @property
    def brings_rows(self) -> bool:
        """Whether its rows are moved; else only the table is created."""
        return self.strategy is not Strategy.SCHEMA_ONLY


class PlannedCut(Section):
    """Where a circle of tables is cut open, and how; of this key it holds before the table's strategy."""

    key: str
    table: str = Field(description="the table whose rows have the key")
    how: Strategy
    reason: str
    by_hand: bool = Field(False, description="whether people chose it: planning again keeps it")


class PlannedGroup(Section):
    """Tables that share a schema file and a data file."""

    name: GroupName
    purpose: Sentence = ""
    schema_file: FileName
    data_file: FileName
    constraints_file: FileName | None = None
    rows: int = 0
    by_hand: tuple[str, ...] = Field(
        (), description="what people decided here: name, purpose, number, files, place, order of tables"
    )
    tables: tuple[PlannedTable, ...]

    @field_validator("tables", mode="before")
    @classmethod
    def _nothing_is_empty(cls, value: object) -> object:
        """``tables:`` with nothing after it is left when someone moves a group's last table away."""
        return () if value is None else value

    @field_validator("by_hand")
    @classmethod
    def _known_marks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return _known(value, ("name", "purpose", "number", "files", "order", "place"))

    @property
    def number(self) -> int:
        """The number of its schema file; 0 when its name begins with none."""
        digits = self.schema_file.split("-", 1)[0]
        number = int(digits) if digits.isdecimal() else 0
        return number if number <= 99 else 0

    @property
    def files(self) -> tuple[str, ...]:
        """Its two or three files."""
        return tuple(file for file in (self.schema_file, self.data_file, self.constraints_file) if file)


class Plan(Section):
    """How a database will be moved."""

    migplan_plan: int = Field(FORMAT, description="version of this format")
    name: PlanName
    database: str = Field(description="where it was made; only noted")
    postgresql: int = Field(description="major version of the source; only noted")
    catalog: str = Field(description="fingerprint of the structure that the plan was made from")
    attributes: str = Field(
        "", description="the same of what else ALTER can change: publications, storage ..."
    )
    constraints: Layout
    selection: SelectionSection = SelectionSection.model_construct()
    provided: ProvidedSection = ProvidedSection.model_construct()
    platform: PlatformName | None = Field(None, description="the managed host that the plan is for")
    left_out: tuple[str, ...] = ()
    rows: int = Field(0, description="expected rows in all; only noted")
    breaks: tuple[PlannedCut, ...] = ()
    groups: tuple[PlannedGroup, ...]

    @field_validator("migplan_plan")
    @classmethod
    def _known_format(cls, value: int) -> int:
        if value != FORMAT:
            raise ValueError(f"this plan has format {value}, and this migplan reads format {FORMAT}")
        return value

    @property
    def digest(self) -> str:
        """The SHA-256 of all that it says, by which a bundle's manifest names its plan."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()

    @property
    def without_rows(self) -> "Plan":
        """The same without numbers of rows: estimates move while nobody alters anything."""
        unknown = {"rows": None, "estimated": False}
        groups = (
            group.model_copy(
                update={"rows": 0, "tables": tuple(each.model_copy(update=unknown) for each in group.tables)}
            )
            for group in self.groups
        )
        return self.model_copy(update={"rows": 0, "groups": tuple(groups)})

    @property
    def tables(self) -> Iterator[PlannedTable]:
        """Every table, in the order of loading."""
        for group in self.groups:
            yield from group.tables

    @property
    def group_of(self) -> dict[str, str]:
        """The group of each table, by name."""
        return {table.table: group.name for group in self.groups for table in group.tables}
