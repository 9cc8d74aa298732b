"""What sequences are set to behind the rows: their own value, or a greater one in their column."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, LiteralString

from psycopg import sql

from migplan.catalog.model import Catalog, Sequence
from migplan.errors import PrivilegeError
from migplan.names import QualifiedName
from migplan.postgres.session import Session
from migplan.sql.text import literal


@dataclass(frozen=True, slots=True)
class Value:
    """A sequence's value, and whether it has been given out."""

    sequence: QualifiedName
    value: int
    called: bool
    table: QualifiedName | None
    increment: int = 1
    cycles: bool = False

    @property
    def statement(self) -> str:
        """The call that sets it."""
        called = "true" if self.called else "false"
        return f"SELECT pg_catalog.setval({literal(str(self.sequence))}, {self.value}, {called});"

    @property
    def statement_forward(self) -> str:
        """The same, unless it has given out numbers and is further on: it was there before the rows came."""
        if self.cycles:
            return self.statement
        before = ("<" if self.increment > 0 else ">") + ("=" if self.called else "")
        behind = f"NOT s.is_called OR s.last_value {before} {self.value}"
        return f"{self.statement.removesuffix(';')} FROM {self.sequence} s WHERE {behind};"


def values(
    session: Session, sequences: Iterable[Sequence], catalog: Catalog
) -> tuple[tuple[Value, ...], tuple[QualifiedName, ...]]:
    """Return the values, and the names of sequences that the role may not read."""
    found, hidden = [], []
    for sequence in sequences:
        try:
            with session.transaction():
                found.append(_value(session, sequence, catalog.by_name))
        except PrivilegeError:
            hidden.append(sequence.name)
    return tuple(found), tuple(hidden)


_HIDDEN: LiteralString = """
    SELECT u.schema, u.name FROM unnest(%s::text[], %s::text[]) u (schema, name)
    JOIN pg_catalog.pg_namespace n ON n.nspname = u.schema
    JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = u.name
    WHERE NOT (pg_catalog.has_sequence_privilege(c.oid, 'SELECT')
               AND pg_catalog.has_schema_privilege(n.oid, 'USAGE'))
"""


def hidden(session: Session, names: Iterable[QualifiedName]) -> frozenset[QualifiedName]:
    """Return the sequences that the role may not read."""
    every = list(names)
    values = [[name.schema for name in every], [name.name for name in every]]
    found = session.ask(_HIDDEN, values, during="asking which sequences may be read")
    return frozenset(QualifiedName(schema, name) for schema, name in found)


def _value(session: Session, sequence: Sequence, tables: Mapping[QualifiedName, Any]) -> Value:
    during = f"reading the sequence {sequence.name}"
    name = sql.Identifier(sequence.name.schema, sequence.name.name)
    question = sql.SQL("SELECT last_value, is_called FROM {}").format(name)
    ((value, called),) = session.ask(question, during=during)
    owner = sequence.owned_by if sequence.owned_by in tables else None
    if owner is not None and sequence.owned_column and not sequence.cycles:
        function = sql.SQL("max" if sequence.increment > 0 else "min")
        column = sql.Identifier(sequence.owned_column)
        question = sql.SQL("SELECT {}({})::numeric FROM {}").format(
            function, column, sql.Identifier(owner.schema, owner.name)
        )
        ((reached,),) = session.ask(question, during=during)
        if (
            reached is not None
            and sequence.minimum <= reached <= sequence.maximum
            and reached == int(reached)
        ):
            ahead = reached > value if sequence.increment > 0 else reached < value
            if ahead or (reached == value and not called):
                value, called = int(reached), True
    return Value(sequence.name, value, called, owner, sequence.increment, sequence.cycles)
