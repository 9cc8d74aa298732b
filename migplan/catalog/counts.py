"""Row counts: exact where that is cheap or asked for, estimated elsewhere, and never in silence."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from migplan.catalog.model import Unread
from migplan.catalog.questions import ask_each
from migplan.names import QualifiedName
from migplan.postgres.session import Session

SMALL_TABLE = 64 * 1024**2
SMALL_IN_ALL = 1024**3

# What keeps a table from being counted, and is said; anything else is a failure.
_REFUSALS = "insufficient_privilege OR lock_not_available OR undefined_table"


class Exactness(StrEnum):
    """How exact row counts are to be."""

    AUTO = "auto"  # small tables exactly, the others as the planner estimates
    EXACT = "exact"
    ESTIMATE = "estimate"


@dataclass(frozen=True)
class Counting:
    """How exact to be, and a callback (tables done, tables in all) between batches."""

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
    questions = [f"SELECT count(*) FROM ONLY {QualifiedName(row.schema, row.name)}" for row in batch]  # noqa: S608
    answers = ask_each(session, questions, during="counting rows", catching=_REFUSALS)
    return {
        row.oid: failure if value is None else int(value)
        for row, (value, failure) in zip(batch, answers, strict=True)
    }
