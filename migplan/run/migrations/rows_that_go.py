"""The rows that rolling migrations back takes away: of tables that are dropped or emptied, and of columns."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from postgast import pg_query_pb2 as pg

from migplan.catalog.questions import ask_each
from migplan.errors import FileError
from migplan.migrations.source_files import statements_of
from migplan.names import QualifiedName, quoted, split
from migplan.postgres.session import Session
from migplan.run.migrations.down_migrations import DownMigration
from migplan.sql.statements import Parsed, parsed
from migplan.sql.tree import relation_name, schema_and_name, sql_name

_HOME = "public"
_LARGE = 1 << 30
"""Bytes of a table whose rows are not counted: what the server takes for their number is shown."""
_INSERTED = re.compile(r"FROM ONLY (?P<table>.+?) WHERE xmin = '(?P<transaction>\d+)'::pg_catalog\.xid")


@dataclass(frozen=True, slots=True)
class RowsThatGo:
    """Rows that a rollback takes away, as they are there now."""

    what: str
    rows: int
    is_estimate: bool = False


def rows_that_go(ways: Sequence[DownMigration], session: Session) -> list[RowsThatGo]:
    """Count the rows of tables that are dropped or emptied, values of columns that are dropped, and rows that
    migrations inserted.
    """
    wanted: dict[str, str] = {}  # what, and the statement that counts
    for way in ways:
        for each in _statements(way):
            for what, table, condition in _losses(each):
                wanted.setdefault(what, _count(table, condition))
    dropped = {what.removeprefix("table ") for what in wanted if what.startswith("table ")}
    wanted = {what: text for what, text in wanted.items() if not _of_dropped(what, dropped)}
    if not wanted:
        return []
    answers = ask_each(session, [*wanted.values()], during="counting the rows that would go")
    found = []
    for what, (value, _) in zip(wanted, answers, strict=True):
        if value is not None and (rows := int(value.lstrip("~"))):
            found.append(RowsThatGo(what, rows, value.startswith("~")))
    return found


def _of_dropped(what: str, dropped: set[str]) -> bool:
    """Whether rows are counted with those of their table already."""
    return not what.startswith("table ") and any(f" of {table}" in what for table in dropped)


def _statements(way: DownMigration) -> Iterator[Parsed]:
    try:
        if way.down is not None:
            yield from statements_of(way.down)
        for text in way.derived or ():
            yield from parsed(io.BytesIO(f"{text};".encode()), Path("derived"))
    except FileError:
        return  # a newer server's statement: whoever runs it will hear of it


def _losses(statement: Parsed) -> Iterator[tuple[str, str, str]]:
    """Yield what a statement takes away: in words, the table, and the rows of it as a condition."""
    tree: Any = statement.tree
    if statement.kind == "drop_stmt" and tree.remove_type == pg.OBJECT_TABLE:
        for node in tree.objects:
            name = sql_name(*schema_and_name(node.list.items), _HOME)
            yield f"table {name}", name, ""
    elif statement.kind == "truncate_stmt":
        for node in tree.relations:
            name = relation_name(node.range_var, _HOME)
            yield f"table {name}", name, ""
    elif statement.kind == "delete_stmt":
        name = relation_name(tree.relation, _HOME)
        yield f"rows of {name} that its DELETE means, of", name, ""
    elif statement.kind == "alter_table_stmt":
        name = relation_name(tree.relation, _HOME)
        for node in tree.cmds:
            if node.alter_table_cmd.subtype == pg.AT_DropColumn:
                column = quoted(node.alter_table_cmd.name)
                yield f"values in column {column} of {name}", name, f"{column} IS NOT NULL"
    for match in _INSERTED.finditer(statement.text):
        condition = f"xmin = '{match['transaction']}'::pg_catalog.xid"
        yield f"rows that the migration inserted, of {match['table']}", f"ONLY {match['table']}", condition


def _count(table: str, condition: str) -> str:
    """Return the question for the number of rows; for a large table what the server takes for it."""
    where = f" WHERE {condition}" if condition else ""
    parts = split(table.removeprefix("ONLY "))
    name = str(QualifiedName(*parts)).replace("'", "''")
    return (
        f"SELECT CASE WHEN pg_catalog.pg_relation_size('{name}') < {_LARGE} "
        f"THEN (SELECT count(*) FROM {table}{where})::text "
        f"ELSE (SELECT '~' || reltuples::bigint FROM pg_catalog.pg_class WHERE oid = '{name}'::regclass) END"
    )
