"""The Plan: groups, order and strategies, each with its reason. It is a file that people read and edit."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import Field

from migplan.config import GroupName, Layout, SelectionSection, Strategy
from migplan.yamlfile import Section

FORMAT = 1


class PlannedTable(Section):
    """A table's place in the plan."""

    table: str
    depth: int = Field(description="longest way down to a table that needs no other")
    rows: int | None = Field(None, description="expected rows; missing when nobody knows")
    estimated: bool = Field(False, description="the rows are the planner's estimate, not a count")
    strategy: Strategy
    keys: tuple[str, ...] = Field((), description="the foreign keys that the strategy is about")
    reason: str = ""
    by_hand: tuple[str, ...] = Field((), description="what people decided here: group, strategy")
    structure: str = Field("", description="fingerprint of the table when the plan was made")


class Break(Section):
    """Where a circle of tables is cut open, and how."""

    key: str
    on: str = Field(description="the table that has the key")
    how: Strategy
    reason: str


class PlannedGroup(Section):
    """Tables that share a schema file and a data file."""

    name: GroupName
    purpose: str = ""
    schema_file: str
    data_file: str
    constraints_file: str | None = None
    rows: int = 0
    tables: tuple[PlannedTable, ...]

    @property
    def number(self) -> int:
        """The number of its schema file."""
        digits = self.schema_file.split("-", 1)[0]
        return int(digits) if digits.isdecimal() else 0


class Plan(Section):
    """How a database will be moved."""

    migplan_plan: int = Field(FORMAT, description="version of this format")
    name: str
    database: str
    postgresql: int = Field(description="major version of the source")
    catalog: str = Field(description="fingerprint of the structure that the plan was made from")
    constraints: Layout
    selection: SelectionSection = SelectionSection()
    left_out: tuple[str, ...] = ()
    rows: int = Field(0, description="expected rows in all")
    breaks: tuple[Break, ...] = ()
    groups: tuple[PlannedGroup, ...]

    @property
    def tables(self) -> Iterator[PlannedTable]:
        """Every table, in the order of loading."""
        for group in self.groups:
            yield from group.tables

    @property
    def group_of(self) -> dict[str, str]:
        """The group of each table, by name."""
        return {table.table: group.name for group in self.groups for table in group.tables}
