"""How far sequences and the columns that they fill have come: looked up where that is cheap."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from psycopg import sql

from migplan.catalog.counts import SMALL_IN_ALL, SMALL_TABLE
from migplan.catalog.filling import filled_columns
from migplan.catalog.model import Catalog, Sequence, Table, TableKind
from migplan.catalog.vitals import Position
from migplan.names import QualifiedName
from migplan.postgres.session import Session

BATCH = 2_000

_ASK_ALL = """
DO $migplan$
DECLARE
    question text;
    answer text;
    answers text[];
    failures text[];
BEGIN
    -- In and out by settings, and back after each question to give its locks back: see counts.py.
    FOR question IN SELECT * FROM jsonb_array_elements_text(current_setting('migplan.questions')::jsonb)
    LOOP
        BEGIN
            EXECUTE question INTO answer;
            RAISE EXCEPTION USING ERRCODE = 'MPLAN';
        EXCEPTION
            WHEN SQLSTATE 'MPLAN' THEN
                answers := answers || answer;
                failures := failures || NULL::text;
            WHEN OTHERS THEN
                answers := answers || NULL::text;
                failures := failures || SQLERRM;
        END;
    END LOOP;
    PERFORM set_config('migplan.answers', json_build_array(answers, failures)::text, true);
END
$migplan$
"""


@dataclass(frozen=True, slots=True)
class _Answer:
    """What the server said to one question; neither a value nor a failure means NULL."""

    value: str | None = None
    failure: str = ""


def read_positions(session: Session, catalog: Catalog) -> tuple[Position, ...]:
    """A position for each sequence that fills a column."""
    filled = filled_columns(catalog)
    chosen = [sequence for sequence in catalog.sequences if sequence.name in filled]
    refused = _refusals(column for sequence in chosen for column in filled[sequence.name])
    questions: dict[str, None] = {}
    for sequence in chosen:
        questions[_next(sequence)] = None
        for table, column in filled[sequence.name]:
            if (table.name, column) not in refused:
                questions[_furthest(sequence, table, column)] = None
    answers = dict(_answered(session, list(questions)))
    return tuple(_position(sequence, filled[sequence.name], refused, answers) for sequence in chosen)


def _refusals(columns: Iterable[tuple[Table, str]]) -> dict[tuple[QualifiedName, str], str]:
    """The columns that nobody should look at, and why."""
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


def _answered(session: Session, questions: list[str]) -> Iterator[tuple[str, _Answer]]:
    during = "looking how far sequences have come"
    for start in range(0, len(questions), BATCH):
        batch = questions[start : start + BATCH]
        with session.translate_errors(during):
            wanted = json.dumps(batch, ensure_ascii=False)
            session.execute("SELECT pg_catalog.set_config('migplan.questions', %s, true)", [wanted])
            session.execute(_ASK_ALL)
        ((said,),) = session.ask("SELECT pg_catalog.current_setting('migplan.answers')", during=during)
        values, failures = json.loads(said)
        for question, value, failure in zip(batch, values, failures, strict=True):
            yield question, _Answer(value, failure or "")


def _position(
    sequence: Sequence,
    columns: tuple[tuple[Table, str], ...],
    refused: Mapping[tuple[QualifiedName, str], str],
    answers: Mapping[str, _Answer],
) -> Position:
    coming = answers[_next(sequence)]
    following = int(coming.value) if coming.value is not None else None
    why = []
    if following is None and sequence.last_value is not None:
        following = sequence.last_value + sequence.increment  # the role may use it, but not look inside
    elif following is None:
        why.append(coming.failure)
    reached = []
    for table, column in columns:
        if reason := refused.get((table.name, column)):
            why.append(reason)
            continue
        answer = answers[_furthest(sequence, table, column)]
        if answer.failure:
            why.append(answer.failure)
        elif answer.value is not None:
            reached.append(int(answer.value))
    furthest = max if sequence.increment > 0 else min
    return Position(
        sequence.name, furthest(reached) if reached else None, "; ".join(dict.fromkeys(why)), following
    )
