"""A statement that cannot be in a transaction, and so not in one with its entry in the journal.

The journal says that it was begun, it runs, and the journal says that it is done. When it was begun and is
not done, nobody knows how far it came: what it leaves behind half-done is taken away, and it runs again; what
turns out to be there already was done.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
from psycopg import sql

from migplan.names import split
from migplan.postgres.address import Address
from migplan.postgres.failures import explained
from migplan.run.engine.steps import Step

# What a second try of a statement meets when the first one had come to its end: it is there, or it is gone.
THERE = frozenset({"42710", "42P07", "42704", "42P01"})

_BEGIN = """
    UPDATE migplan.step SET attempts = attempts + 1, started_at = pg_catalog.clock_timestamp()
    WHERE run = %s AND step = %s AND state <> 'done' RETURNING attempts
"""
_BEFORE = """
    SELECT count(*) FROM migplan.step s JOIN migplan.run r USING (run)
    WHERE s.name = %s AND s.file = %s AND s.line = %s AND s.attempts > 0 AND s.state <> 'done'
"""
_DONE = """
    UPDATE migplan.step SET state = 'done', error = NULL, rows = 0,
           finished_at = pg_catalog.clock_timestamp(), transaction = pg_catalog.pg_current_xact_id()
    WHERE run = %s AND step = %s
"""
_INVALID = """
    SELECT FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = %s AND c.relname = %s AND NOT i.indisvalid
"""


def begin(connection: psycopg.Connection[Any], address: Address, run: int, step: Step) -> bool | None:
    """Say that it begins: whether it was begun before; None when it is done already."""
    with explained(address, "writing the journal"):
        tried = connection.execute(_BEFORE, [step.name, step.file, step.line]).fetchone() or (0,)
        if connection.execute(_BEGIN, [run, step.number]).fetchone() is None:
            return None
    return bool(tried[0])


def repair(
    connection: psycopg.Connection[Any], address: Address, step: Step, warned: Callable[[str], None]
) -> None:
    """Drop the invalid index that an earlier try of this very statement left behind."""
    if not step.leaves:
        return
    schema, name = split(step.leaves)
    with explained(address, f"looking for what is left of the index {step.leaves}"):
        if not connection.execute(_INVALID, [schema, name]).rowcount:
            return
        warned(f"the index {step.leaves} was left invalid by an earlier try: it is dropped and built again")
        drop = sql.SQL("DROP INDEX CONCURRENTLY {}").format(sql.Identifier(schema, name))
        connection.execute(drop)


def done(connection: psycopg.Connection[Any], address: Address, run: int, step: Step) -> None:
    """Say that it is done."""
    with explained(address, "writing the journal"):
        connection.execute(_DONE, [run, step.number])
