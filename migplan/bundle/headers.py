"""The comment on top of every file: what it is, from where, what comes before, what is expected after."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from migplan.plan.model import PlannedGroup
from migplan.sql.text import one_line

_WIDE = 15  # room for any number of rows: they are known when the file is written, and set in place then

SESSION = """\
SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SET client_min_messages = warning;
SET row_security = off;
"""

DATA = """\
SET datestyle = 'ISO, YMD';
SET intervalstyle = 'postgres';
SET lc_monetary = 'C';
SET xmloption = content;
SET array_nulls = on;
"""


@dataclass(frozen=True, slots=True)
class About:
    """What the headers of a bundle's files have in common."""

    database: str
    server: str
    snapshot_at: str
    bundle: str


def schema_header(file: str, what: str, group: PlannedGroup, about: About, before: Sequence[str]) -> str:
    """The header of a schema or constraints file."""
    lines = [
        *_opening(file, f"{what} of group {group.name}", about),
        *([f"-- {one_line(group.purpose)}", "--"] if group.purpose else []),
        f"-- Tables: {', '.join(one_line(table.table) for table in group.tables)}",
        *_needs(before),
    ]
    return "\n".join(lines) + "\n\n"


def data_header(
    file: str, group: PlannedGroup, about: About, before: Sequence[str], rows: Sequence[int]
) -> str:
    """The header of a data file; its length does not depend on the numbers."""
    width = max(len(one_line(table.table)) for table in group.tables)
    lines = [
        *_opening(file, f"rows of group {group.name}", about),
        *([f"-- {one_line(group.purpose)}", "--"] if group.purpose else []),
        "-- Expected after it:",
        *(
            f"--   {one_line(table.table):{width}} {number:>{_WIDE},} rows  depth {table.depth:<3} "
            f"{table.strategy.value}"
            for table, number in zip(group.tables, rows, strict=True)
        ),
        f"--   {'in all':{width}} {sum(rows):>{_WIDE},} rows",
        *_needs(before),
    ]
    return "\n".join(lines) + "\n\n"


def _opening(file: str, what: str, about: About) -> list[str]:
    return [
        f"-- {one_line(file)}: {one_line(what)}",
        "--",
        f"-- From the database {one_line(about.database)}, PostgreSQL {about.server}, "
        f"as it was at {about.snapshot_at}.",
        f"-- Part of the bundle {one_line(about.bundle)}, made by migplan. "
        "psql -v ON_ERROR_STOP=1 -f runs it, too.",
        "--",
    ]


def _needs(before: Sequence[str]) -> list[str]:
    return (
        [f"-- Must have run before: {', '.join(before)}"] if before else ["-- Nothing must have run before."]
    )
