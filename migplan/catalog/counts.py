"""Row counts: exact where that is cheap or asked for, estimated elsewhere, and never in silence."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from migplan.catalog.model import Unread
from migplan.names import QualifiedName
from migplan.postgres.session import Session

SMALL_TABLE = 64 * 1024**2
SMALL_IN_ALL = 1024**3

_COUNT = """
DO $migplan$
DECLARE
    one record;
    counted bigint;
    oids bigint[];
    answers text[];
BEGIN
    -- Names arrive and answers leave as settings of this transaction: a DO block takes no parameters and
    -- returns nothing, and a function of our own would have to be created in a database that we only read.
    FOR one IN
        SELECT key::int8 AS oid, value ->> 0 AS schema, value ->> 1 AS name
        FROM jsonb_each(current_setting('migplan.tables')::jsonb)
    LOOP
        BEGIN
            EXECUTE format('SELECT count(*) FROM ONLY %I.%I', one.schema, one.name) INTO counted;
            -- Going back gives the locks on the table and its indexes back; the count stays. Thousands of
            -- tables counted in one transaction would otherwise fill the server's lock table.
            RAISE EXCEPTION USING ERRCODE = 'MPLAN';
        EXCEPTION
            WHEN SQLSTATE 'MPLAN' THEN
                oids := oids || one.oid;
                answers := answers || counted::text;
            WHEN insufficient_privilege OR lock_not_available OR undefined_table THEN
                oids := oids || one.oid;
                answers := answers || SQLERRM;
        END;
    END LOOP;
    PERFORM set_config('migplan.counts', json_build_array(oids, answers)::text, true);
END
$migplan$
"""


class Exactness(StrEnum):
    """How much counting is wanted."""

    AUTO = "auto"  # small tables exactly, the others as the planner estimates
    EXACT = "exact"
    ESTIMATE = "estimate"


@dataclass(frozen=True)
class Counting:
    """What to count, and whom to tell about it (tables done, tables in all) between batches."""

    exactness: Exactness = Exactness.AUTO
    on_progress: Callable[[int, int], None] = lambda done, total: None


@dataclass(frozen=True)
class Counted:
    """Exact counts by oid, and the tables that could not be counted."""

    exact: Mapping[int, int] = field(default_factory=dict)
    unread: tuple[Unread, ...] = ()


def count_rows(session: Session, tables: Sequence[Any], counting: Counting) -> Counted:
    """Count, within the session's moment, the tables that the rows of ``tables.sql`` describe."""
    chosen = _chosen(tables, counting.exactness)
    # A table without a single page is empty; nobody needs to open it to know.
    exact = {row.oid: 0 for row in chosen if row.main_bytes == 0}
    chosen = [row for row in chosen if row.main_bytes]
    unread: list[Unread] = []
    names = {row.oid: QualifiedName(row.schema, row.name) for row in chosen}
    done = 0
    for batch in _batches(chosen):
        counting.on_progress(done, len(chosen))
        for oid, answer in _count(session, batch).items():
            if isinstance(answer, int):
                exact[oid] = answer
            else:
                unread.append(Unread(f"rows of {names[oid]}", answer))
        done += len(batch)
    counting.on_progress(done, len(chosen))
    return Counted(exact, tuple(sorted(unread, key=lambda gap: gap.what)))


def _chosen(tables: Sequence[Any], exactness: Exactness) -> list[Any]:
    """Ordinary tables that may be read, smallest first; in AUTO as many as stay cheap together."""
    countable = [row for row in tables if row.kind == "r" and row.readable and not row.hidden]
    countable.sort(key=lambda row: (row.table_bytes or 0, row.oid))
    if exactness is Exactness.ESTIMATE:
        return []
    if exactness is Exactness.EXACT:
        return countable
    chosen, total = [], 0
    for row in countable:
        size = row.table_bytes or 0
        total += size
        if size > SMALL_TABLE or total > SMALL_IN_ALL:
            break
        chosen.append(row)
    return chosen


def _batches(chosen: list[Any]) -> list[list[Any]]:
    """All small tables in one question; each large one by itself, so that progress can be told."""
    small = [row for row in chosen if (row.table_bytes or 0) <= SMALL_TABLE]
    return [batch for batch in (small, *([row] for row in chosen[len(small) :])) if batch]


def _count(session: Session, batch: list[Any]) -> dict[int, int | str]:
    # Not as \u escapes, which a database without an encoding (SQL_ASCII) cannot take.
    wanted = json.dumps({row.oid: [row.schema, row.name] for row in batch}, ensure_ascii=False)
    with session.translate_errors("counting rows"):
        session.execute("SELECT pg_catalog.set_config('migplan.tables', %s, true)", [wanted])
        session.execute(_COUNT)
    ((answers,),) = session.ask("SELECT pg_catalog.current_setting('migplan.counts')", during="counting rows")
    oids, said = json.loads(answers)
    return {
        oid: int(answer) if answer.isdecimal() else answer for oid, answer in zip(oids, said, strict=True)
    }
