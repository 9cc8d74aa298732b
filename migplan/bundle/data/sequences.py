"""What sequences are set to, after the rows: the greater of their own value and what their column holds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from migplan.catalog.model import Catalog, Sequence
from migplan.names import QualifiedName
from migplan.postgres.address import Address
from migplan.postgres.failures import explained
from migplan.sql.text import literal


@dataclass(frozen=True, slots=True)
class Value:
    """A sequence's value, and whether it has been given out."""

    sequence: QualifiedName
    value: int
    called: bool
    table: QualifiedName | None

    @property
    def statement(self) -> str:
        """The call that sets it."""
        called = "true" if self.called else "false"
        return f"SELECT pg_catalog.setval({literal(str(self.sequence))}, {self.value}, {called});"


def values(
    driver: psycopg.Connection[Any], address: Address, sequences: Iterable[Sequence], catalog: Catalog
) -> tuple[tuple[Value, ...], tuple[QualifiedName, ...]]:
    """The values, and the sequences that the role may not read."""
    found, hidden = [], []
    for sequence in sequences:
        with explained(address, f"reading the sequence {sequence.name}"):
            try:
                with driver.transaction():
                    found.append(_value(driver, sequence, catalog.by_name))
            except psycopg.errors.InsufficientPrivilege:
                hidden.append(sequence.name)
    return tuple(found), tuple(hidden)


def _value(driver: psycopg.Connection[Any], sequence: Sequence, tables: Mapping[QualifiedName, Any]) -> Value:
    name = sql.Identifier(sequence.name.schema, sequence.name.name)
    (value, called) = driver.execute(
        sql.SQL("SELECT last_value, is_called FROM {}").format(name)
    ).fetchone() or (1, False)
    owner = sequence.owned_by if sequence.owned_by in tables else None
    if owner is not None and sequence.owned_column and not sequence.cycles:
        function = sql.SQL("max" if sequence.increment > 0 else "min")
        column = sql.Identifier(sequence.owned_column)
        (reached,) = driver.execute(
            sql.SQL("SELECT {}({})::numeric FROM {}").format(
                function, column, sql.Identifier(owner.schema, owner.name)
            )
        ).fetchone() or (None,)
        if (
            reached is not None
            and sequence.minimum <= reached <= sequence.maximum
            and reached == int(reached)
        ):
            ahead = reached > value if sequence.increment > 0 else reached < value
            if ahead or (reached == value and not called):
                value, called = int(reached), True
    return Value(sequence.name, value, called, owner)
