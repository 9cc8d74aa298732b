"""The positions of sequences, and the greatest values of the columns that they fill, where that is cheap."""

from collections.abc import Iterable, Mapping

from psycopg import sql

from migplan.catalog.counts import SMALL_IN_ALL, SMALL_TABLE
from migplan.catalog.model import Catalog, Sequence, Table, TableKind
from migplan.catalog.questions import ask_each
from migplan.catalog.vitals import Position
from migplan.names import QualifiedName
from migplan.postgres.session import Session

BATCH = 2_000


_Answer = tuple[str | None, str]
"""A value and a failure; neither means NULL."""


def read_positions(session: Session, catalog: Catalog) -> tuple[Position, ...]:
    """A position for each sequence that fills a column."""
    filled = catalog.filled_columns
    chosen = [sequence for sequence in catalog.sequences if sequence.name in filled]
    refused = _refusals(column for sequence in chosen for column in filled[sequence.name])
    questions: dict[str, None] = {}
    for sequence in chosen:
        questions[_next(sequence)] = None
        for table, column in filled[sequence.name]:
            if (table.name, column) not in refused:
                questions[_furthest(sequence, table, column)] = None
    answers: dict[str, _Answer] = {}
    every = list(questions)
    for start in range(0, len(every), BATCH):
        batch = every[start : start + BATCH]
        found = ask_each(session, batch, during="looking how far sequences have come")
        answers.update(zip(batch, found, strict=True))
    return tuple(_position(sequence, filled[sequence.name], refused, answers) for sequence in chosen)


def _refusals(columns: Iterable[tuple[Table, str]]) -> dict[tuple[QualifiedName, str], str]:
    """Return the columns that are not looked up, with the reason."""
    refused, reading = {}, 0
    for table, column in columns:
        if table.kind is TableKind.FOREIGN:
            refused[table.name, column] = f"{table.name} is on another server"
        elif not table.readable:
            refused[table.name, column] = f"the role may not SELECT from {table.name}"
        elif not _leads_an_index(table, column):
            size = table.table_bytes
            if size is None or size > SMALL_TABLE or reading + size > SMALL_IN_ALL:
                refused[table.name, column] = (
                    f"no index begins with it, and {table.name} is too large to be read for this"
                )
            else:
                reading += size
    return refused


def _leads_an_index(table: Table, column: str) -> bool:
    return any(
        index.method == "btree" and index.valid and not index.is_partial and index.columns[0] == column
        for index in table.indexes
    )


def _furthest(sequence: Sequence, table: Table, column: str) -> str:
    # Tables that inherit have columns, defaults and indexes of their own; partitions have not.
    question = sql.SQL("SELECT {}({})::pg_catalog.int8 FROM {}{}").format(
        sql.SQL("max" if sequence.increment > 0 else "min"),
        sql.Identifier(column),
        sql.SQL(table.only),
        sql.Identifier(table.name.schema, table.name.name),
    )
    return question.as_string(None)


def _next(sequence: Sequence) -> str:
    question = sql.SQL("SELECT last_value::numeric + CASE WHEN is_called THEN {} ELSE 0 END FROM {}").format(
        sql.Literal(sequence.increment), sql.Identifier(sequence.name.schema, sequence.name.name)
    )
    return question.as_string(None)


def _position(
    sequence: Sequence,
    columns: tuple[tuple[Table, str], ...],
    refused: Mapping[tuple[QualifiedName, str], str],
    answers: Mapping[str, _Answer],
) -> Position:
    coming, failure = answers[_next(sequence)]
    following = int(coming) if coming is not None else None
    why = []
    if following is None and sequence.last_value is not None:
        following = sequence.last_value + sequence.increment  # the role may use it, but not look inside
    elif following is None:
        why.append(failure)
    reached = []
    for table, column in columns:
        if reason := refused.get((table.name, column)):
            why.append(reason)
            continue
        value, failure = answers[_furthest(sequence, table, column)]
        if failure:
            why.append(failure)
        elif value is not None:
            reached.append(int(value))
    furthest = max if sequence.increment > 0 else min
    return Position(
        sequence.name, furthest(reached) if reached else None, "; ".join(dict.fromkeys(why)), following
    )
