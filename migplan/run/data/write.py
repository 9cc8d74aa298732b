"""Writing what became of rows: into a table, as its columns want them, or by the step's own function."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby
from typing import Any

import psycopg
from psycopg import pq, sql
from psycopg.types.json import Json, Jsonb

from migplan.data import DataStep
from migplan.names import QualifiedName, parse

_PARAMETERS = 60_000  # of one statement; the protocol has room for 65,535
_MARK = "migplan_write"  # the savepoint that tells our transaction from another
_VECTORS = frozenset({"vector", "halfvec"})
_COLUMNS = """
    SELECT a.attname, coalesce(base.typname, t.typname)
    FROM pg_catalog.pg_attribute a
    JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
    LEFT JOIN pg_catalog.pg_type base ON base.oid = t.typbasetype
    WHERE n.nspname = %s AND c.relname = %s AND a.attnum > 0 AND NOT a.attisdropped
"""


class UnwritableError(Exception):
    """Rows cannot be written, whichever they are."""


class EndedError(UnwritableError):
    """The step's own function has ended the transaction, and so committed what nobody wrote down."""

    def __init__(self) -> None:
        super().__init__("the function that writes has ended the transaction, which is not its own")


@dataclass(frozen=True, slots=True)
class Target:
    """A table that rows go into, with the types of its columns."""

    name: QualifiedName
    types: Mapping[str, str]
    conflict: tuple[str, ...]

    def write(self, connection: psycopg.Connection[Any], rows: Sequence[Mapping[str, Any]]) -> None:
        """As few statements as their columns allow."""
        for columns, same in groupby(rows, key=tuple):
            for some in _chunks(list(same), max(1, _PARAMETERS // max(1, len(columns)))):
                values = [self._as_wanted(name, row[name]) for row in some for name in columns]
                connection.execute(self._statement(columns, len(some)), values)

    def _statement(self, columns: tuple[str, ...], rows: int) -> sql.Composed:
        if missing := [name for name in columns if name not in self.types]:
            raise UnwritableError(f"{self.name} has no column {missing[0]}")
        one = sql.SQL("({})").format(_listed([sql.Placeholder()] * len(columns)))
        return sql.SQL("INSERT INTO {} ({}) VALUES {}{}").format(
            sql.Identifier(self.name.schema, self.name.name),
            _listed(map(sql.Identifier, columns)),
            _listed([one] * rows),
            self._conflict(columns),
        )

    def _conflict(self, columns: tuple[str, ...]) -> sql.Composable:
        if not self.conflict:
            return sql.SQL("")
        changed = [name for name in columns if name not in self.conflict]
        set_to = _listed(sql.SQL("{0} = EXCLUDED.{0}").format(sql.Identifier(name)) for name in changed)
        does = sql.SQL("UPDATE SET {}").format(set_to) if changed else sql.SQL("NOTHING")
        return sql.SQL(" ON CONFLICT ({}) DO {}").format(_listed(map(sql.Identifier, self.conflict)), does)

    def _as_wanted(self, column: str, value: Any) -> Any:
        """Values of JSON columns are what they stand for; numbers of a vector are told as pgvector has it."""
        kind = self.types.get(column)
        if value is None or kind is None:
            return value
        if kind in {"json", "jsonb"}:
            return (Jsonb if kind == "jsonb" else Json)(value, dumps=_dumped)
        if kind in _VECTORS and not isinstance(value, str):
            return f"[{','.join(repr(float(number)) for number in value)}]"
        return value


@dataclass(frozen=True, slots=True)
class Own:
    """The step's own function."""

    step: DataStep

    def write(self, connection: psycopg.Connection[Any], rows: Sequence[Mapping[str, Any]]) -> None:
        """Call it; it may do what it likes, but for ending the transaction that is not its own."""
        assert self.step.write is not None
        before = _transaction(connection)
        connection.execute(f"SAVEPOINT {_MARK}")
        try:
            self.step.write(connection, rows)
        except BaseException as error:
            if _has_ended(connection, before):
                raise EndedError from error
            raise
        if connection.info.transaction_status == pq.TransactionStatus.INERROR:
            if _has_ended(connection, before):
                raise EndedError
            raise UnwritableError("the function that writes has hidden an error of the server's")
        if before != _transaction(connection):
            raise EndedError
        connection.execute(f"RELEASE SAVEPOINT {_MARK}")


def target_of(connection: psycopg.Connection[Any], step: DataStep) -> Target | Own:
    """What the step writes to."""
    if not step.into:
        return Own(step)
    name = parse(step.into)
    types = dict(connection.execute(_COLUMNS, [name.schema, name.name]).fetchall())
    if not types:
        raise UnwritableError(f"there is no table {name}")
    if missing := [column for column in step.conflict if column not in types]:
        raise UnwritableError(f"{name} has no column {missing[0]}")
    return Target(name, types, step.conflict)


def _transaction(connection: psycopg.Connection[Any]) -> Any:
    found = connection.execute("SELECT pg_catalog.pg_current_xact_id()").fetchone()
    return found and found[0]


def _has_ended(connection: psycopg.Connection[Any], before: Any) -> bool:
    """Whether this is another transaction than before, or none; of a session that is lost nobody knows."""
    try:
        if connection.info.transaction_status == pq.TransactionStatus.INERROR:
            connection.execute(f"ROLLBACK TO SAVEPOINT {_MARK}")
        return bool(before != _transaction(connection))
    except psycopg.Error:  # there is no such savepoint in it
        return not connection.closed


def _listed(parts: Iterable[sql.Composable]) -> sql.Composed:
    return sql.SQL(", ").join(parts)


def _chunks(rows: list[Mapping[str, Any]], size: int) -> Iterator[list[Mapping[str, Any]]]:
    for start in range(0, len(rows), size):
        yield rows[start : start + size]


def _dumped(value: Any) -> str:
    return json.dumps(value, default=_plain, ensure_ascii=False)


def _plain(value: Any) -> Any:
    """What JSON has no word for: numbers that databases count exactly, and everything else as its text."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, set | frozenset | tuple):
        return list(value)
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
