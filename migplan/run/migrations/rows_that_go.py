"""The rows that rolling migrations back takes away: of tables that are dropped or emptied, and of columns."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, LiteralString

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
_THERE: LiteralString = """
    SELECT wanted.relation, wanted.attribute
    FROM unnest(%s::text[], %s::text[]) AS wanted (relation, attribute)
    WHERE pg_catalog.to_regclass(wanted.relation) IS NOT NULL AND (wanted.attribute = '' OR EXISTS (
        SELECT FROM pg_catalog.pg_attribute a WHERE a.attrelid = pg_catalog.to_regclass(wanted.relation)
        AND a.attname = wanted.attribute AND NOT a.attisdropped))
"""
_INSERTED = re.compile(r"FROM ONLY (?P<table>.+?) WHERE xmin = '(?P<transaction>\d+)'::pg_catalog\.xid")


@dataclass(frozen=True, slots=True)
class RowsThatGo:
    """Rows that a rollback takes away, as they are there now."""

    what: str
    rows: int
    is_estimate: bool = False
    unknown: str = ""  # why they could not be counted


def rows_that_go(ways: Sequence[DownMigration], session: Session) -> list[RowsThatGo]:
    """Count the rows of tables that are dropped or emptied, values of columns that are dropped, and rows that
    migrations inserted.
    """
    names = _Names()
    losses = dict.fromkeys(loss for way in ways for each in _statements(way) for loss in _losses(each, names))
    whole = {loss.table for loss in losses if loss.is_whole}
    wanted = [loss for loss in losses if loss.is_whole or loss.table not in whole]
    there = _there(wanted, session)
    wanted = [loss for loss in wanted if (loss.table, loss.column) in there]
    if not wanted:
        return []
    questions = [_count(loss) for loss in wanted]
    answers = ask_each(session, questions, during="counting the rows that would go")
    return [found for loss, answer in zip(wanted, answers, strict=True) if (found := _found(loss, *answer))]


def _there(losses: Sequence[_Loss], session: Session) -> set[tuple[str, str]]:
    """Return the tables, with their columns, that are there now.

    What is yet to be made again loses nothing.
    """
    values = [[loss.table for loss in losses], [loss.column for loss in losses]]
    return set(session.ask(_THERE, values, during="looking for what would go")) if losses else set()


def _found(loss: _Loss, value: str | None, why: str) -> RowsThatGo | None:
    if value is None:
        return RowsThatGo(loss.what, 0, unknown=why)
    rows = int(value.lstrip("~"))
    return RowsThatGo(loss.what, rows, value.startswith("~")) if rows else None


@dataclass(frozen=True, slots=True)
class _Loss:
    """What a statement takes away: the rows of a table, or those for which the condition holds."""

    what: str
    table: str
    condition: str = ""
    column: str = ""  # that it speaks of
    is_only: bool = False  # without the rows of its children

    @property
    def is_whole(self) -> bool:
        """Whether all rows of the table go."""
        return self.what == f"table {self.table}"


class _Names:
    """What tables and columns are called now, while statements give them other names."""

    def __init__(self) -> None:
        self._tables: dict[str, str] = {}
        self._columns: dict[tuple[str, str], str] = {}

    def table(self, name: str) -> str:
        """Return what a table is called now that has this name when a statement runs."""
        return self._tables.get(name, name)

    def column(self, table: str, name: str) -> str:
        """Return what a column is called now, of a table by its name now."""
        return self._columns.get((table, name), name)

    def see(self, statement: Parsed) -> None:
        """Note the names that a statement gives."""
        tree: Any = statement.tree
        if statement.kind == "rename_stmt" and tree.rename_type == pg.OBJECT_TABLE:
            new = sql_name(tree.relation.schemaname, tree.newname, _HOME)
            self._tables[new] = self._tables.pop(old := relation_name(tree.relation, _HOME), old)
        elif statement.kind == "rename_stmt" and tree.rename_type == pg.OBJECT_COLUMN:
            table = self.table(relation_name(tree.relation, _HOME))
            before = self._columns.pop((table, tree.subname), tree.subname)
            self._columns[table, tree.newname] = before
        elif statement.kind == "alter_object_schema_stmt" and tree.object_type == pg.OBJECT_TABLE:
            new = sql_name(tree.newschema, tree.relation.relname, _HOME)
            self._tables[new] = self._tables.pop(old := relation_name(tree.relation, _HOME), old)


def _statements(way: DownMigration) -> Iterator[Parsed]:
    try:
        if way.down is not None:
            yield from statements_of(way.down)
        for text in way.derived or ():
            yield from parsed(io.BytesIO(f"{text};".encode()), Path("derived"))
    except FileError:
        return  # a newer server's statement: whoever runs it will hear of it


def _losses(statement: Parsed, names: _Names) -> Iterator[_Loss]:
    tree: Any = statement.tree
    names.see(statement)
    if statement.kind == "drop_stmt" and tree.remove_type == pg.OBJECT_TABLE:
        for node in tree.objects:
            table = names.table(sql_name(*schema_and_name(node.list.items), _HOME))
            yield _Loss(f"table {table}", table)
    elif statement.kind == "truncate_stmt":
        for node in tree.relations:
            table = names.table(relation_name(node.range_var, _HOME))
            yield _Loss(f"table {table}", table)
    elif statement.kind == "delete_stmt":
        table = names.table(relation_name(tree.relation, _HOME))
        yield _Loss(f"rows of {table} that its DELETE means, of", table)
    elif statement.kind == "alter_table_stmt":
        table = names.table(relation_name(tree.relation, _HOME))
        for node in tree.cmds:
            if node.alter_table_cmd.subtype == pg.AT_DropColumn:
                name = names.column(table, node.alter_table_cmd.name)
                column = quoted(name)
                yield _Loss(f"values in column {column} of {table}", table, f"{column} IS NOT NULL", name)
    for match in _INSERTED.finditer(statement.text):
        table = names.table(match["table"])
        condition = f"xmin = '{match['transaction']}'::pg_catalog.xid"
        yield _Loss(f"rows that the migration inserted, of {table}", table, condition, is_only=True)


def _count(loss: _Loss) -> str:
    """Return the question for the number of rows; for a large table what the server takes for it."""
    where = f" WHERE {loss.condition}" if loss.condition else ""
    name = str(QualifiedName(*split(loss.table))).replace("'", "''")
    rows = f"{'ONLY ' if loss.is_only else ''}{loss.table}{where}"
    return (
        f"SELECT CASE WHEN pg_catalog.pg_relation_size('{name}') < {_LARGE} "
        f"THEN (SELECT count(*) FROM {rows})::text "
        f"ELSE (SELECT '~' || reltuples::bigint FROM pg_catalog.pg_class WHERE oid = '{name}'::regclass) END"
    )
