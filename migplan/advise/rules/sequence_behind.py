"""MP111: a sequence behind its column gives numbers that are taken.

### What fires

A sequence whose next number is not beyond the furthest one in the columns that it fills (its owner's, and
those that have it as default), so that it will come to give that very number. An **error** when one of the
columns is a primary key, a unique key or a whole unique index by itself, where the insert fails; otherwise a
warning, for two rows will share a number. For a sequence that counts down, the furthest number is the least.

What does not: an empty column; a sequence that counts in steps of more than one and never meets that number,
as where two servers share the numbers between them. Gaps do not matter. Of several columns that one sequence
fills, the furthest counts.

The columns are only looked at where an index begins with them or the table is small (64 MB, and 1 GB in all);
the others are said as not judged, and so are those that the role may not read.

### Why

Rows that were loaded with their numbers, by COPY, by a restore of the data alone, by hand, do not move the
sequence. The next insert that asks for a number fails with "duplicate key", and the one after it, one by one,
until the sequence has caught up.

### How to fix it

`setval` to the furthest number at that moment. It does not wait for transactions that are under way, and
cannot be rolled back. Where the number lies beyond the sequence's own end, there is no SQL: see MP110.
"""

from collections.abc import Iterator, Sequence

from migplan.advise.context import Context
from migplan.advise.finding import Blind, Finding, Need, Rule
from migplan.catalog import model
from migplan.catalog.model import Table
from migplan.catalog.vitals import Position
from migplan.level import Level
from migplan.names import quoted

RULE = Rule("MP111", "sequence behind its column", Level.ERROR, (Need.VITALS,), observed=True)


def find(context: Context) -> Iterator[Finding | Blind]:
    """Yield a finding for each sequence."""
    filled = context.catalog.filled_columns
    sequences = {sequence.name: sequence for sequence in context.catalog.sequences}
    for position in context.vitals.positions:
        sequence, columns = sequences.get(position.sequence), filled.get(position.sequence, ())
        if sequence is None or not columns:
            continue  # the selection left its tables out
        if _will_meet(sequence, position):
            yield _finding(sequence, position, columns)
        elif position.unread:
            yield RULE.blind(sequence.name, position.unread)


def _will_meet(sequence: model.Sequence, position: Position) -> bool:
    if position.next is None or position.greatest is None:
        return False
    ahead = position.greatest - position.next
    return ahead * sequence.increment >= 0 and ahead % sequence.increment == 0


def _finding(sequence: model.Sequence, position: Position, columns: Sequence[tuple[Table, str]]) -> Finding:
    fails = any(_is_unique(table, column) for table, column in columns)
    names = ", ".join(f"{table.name}.{quoted(column)}" for table, column in columns)
    why = f"its next number is {position.next}, and {names} has come to {position.greatest}"
    beyond = not sequence.minimum <= (position.greatest or 0) <= sequence.maximum
    if beyond:
        end = sequence.maximum if sequence.increment > 0 else sequence.minimum
        why += f", beyond the sequence's end at {end}"
    return RULE.finding(
        sequence.name,
        why,
        "" if beyond else _caught_up(sequence, columns),
        table=columns[0][0].name,
        level=Level.ERROR if fails else Level.WARNING,
    )


def _is_unique(table: Table, column: str) -> bool:
    return any(
        index.unique and index.valid and not index.is_partial and index.columns == (column,)
        for index in table.indexes
    )


def _caught_up(sequence: model.Sequence, columns: Sequence[tuple[Table, str]]) -> str:
    furthest, among = ("max", "greatest") if sequence.increment > 0 else ("min", "least")
    parts = [f"(SELECT {furthest}({quoted(column)}) FROM {table.name})" for table, column in columns]
    value = parts[0] if len(parts) == 1 else f"{among}({', '.join(parts)})"
    name = str(sequence.name).replace("'", "''")
    return f"SELECT pg_catalog.setval('{name}', {value});"
