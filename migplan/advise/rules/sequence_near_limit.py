"""MP110: a sequence that is used up stops every insert.

### What fires

A sequence that has given 70 % of the numbers that it may give (a warning), or 90 % (an error). What it may
give ends at its own limit, or at that of the type of a column that it fills (its owner's, and those that have
it as default), whichever comes first: a `bigint` sequence in an `integer` column ends at 2147483647. It
counts from its minimum, or from 0 where the minimum is below and it began above. A sequence that counts down
is measured in the same way towards its minimum.

What does not: sequences that cycle, which begin anew; sequences that nobody has used yet. Columns of a type
that is no integer set no limit.

### Why

The insert after the last number fails, and so does every one after it. To widen the column then means to
write the table anew under a lock, with nothing going in meanwhile. It happens earlier than rows suggest:
numbers that were given to inserts that failed, or to `ON CONFLICT DO NOTHING`, are gone, too.

### How to fix it

Widen the column, and every column that refers to it (MP103 will say which ones), to `bigint`, while there is
time: on a large table by a second column that is filled batch by batch. The SQL is the short way, which
writes the table anew under a lock. Where `bigint` itself is nearly used up, or a limit was set on purpose,
there is no SQL.
"""

from collections.abc import Iterator, Sequence

from migplan.advise.context import INTEGERS, Context, can_be_altered
from migplan.advise.finding import Blind, Finding, Rule
from migplan.catalog import model
from migplan.catalog.model import Column, Table
from migplan.level import Level
from migplan.names import quoted

RULE = Rule("MP110", "sequence near its limit", Level.WARNING, observed=True)

WARNING, ERROR = 0.7, 0.9


def find(context: Context) -> Iterator[Finding | Blind]:
    """Yield a finding for each sequence."""
    filled = context.catalog.filled_columns
    for sequence in context.catalog.sequences:
        if sequence.cycles:
            continue
        if sequence.last_value is None:
            if context.catalog.hides(sequence):
                yield RULE.blind(sequence.name, "the role may neither use it nor SELECT from it")
            continue
        columns = [(table, table.column(column)) for table, column in filled.get(sequence.name, ())]
        widths = [width for _, column in columns if (width := INTEGERS.get(context.base_type(column.type)))]
        share = _share(sequence, sequence.last_value, widths)
        if share >= WARNING:
            yield RULE.finding(
                sequence.name,
                f"{share:.0%} of its numbers are used: it stands at {sequence.last_value}, "
                f"and the last one is {_limit(sequence, widths)}{_whose(sequence, columns, widths)}",
                _widened(sequence, columns, widths),
                table=columns[0][0].name if columns else None,
                level=Level.ERROR if share >= ERROR else Level.WARNING,
            )


def _limit(sequence: model.Sequence, widths: Sequence[int]) -> int:
    if sequence.increment > 0:
        return min([sequence.maximum, *widths])
    return max([sequence.minimum, *(-width - 1 for width in widths)])


def _share(sequence: model.Sequence, last: int, widths: Sequence[int]) -> float:
    """How much of the way to its end it has gone."""
    if sequence.increment > 0:
        begin = sequence.minimum if sequence.start <= 0 else max(sequence.minimum, 0)
    else:
        begin = sequence.maximum if sequence.start >= 0 else min(sequence.maximum, 0)
    way = _limit(sequence, widths) - begin
    return (last - begin) / way if way else 1.0


def _whose(sequence: model.Sequence, columns: Sequence[tuple[Table, Column]], widths: Sequence[int]) -> str:
    own = sequence.maximum if sequence.increment > 0 else sequence.minimum
    if not columns or _limit(sequence, widths) == own:
        return ""
    narrow = min(columns, key=lambda pair: INTEGERS.get(pair[1].type, 2**64))
    return f", because {narrow[0].name}.{quoted(narrow[1].name)} is {narrow[1].type}"


def _widened(sequence: model.Sequence, columns: Sequence[tuple[Table, Column]], widths: Sequence[int]) -> str:
    """The statements that make room: first where the numbers go, then where they come from."""
    if _limit(sequence, widths) in (INTEGERS["bigint"], -INTEGERS["bigint"] - 1):
        return ""
    narrow = [(table, column) for table, column in columns if column.type in ("smallint", "integer")]
    ends = INTEGERS[sequence.type] if sequence.increment > 0 else -INTEGERS[sequence.type] - 1
    set_on_purpose = ends != (sequence.maximum if sequence.increment > 0 else sequence.minimum)
    if set_on_purpose or not all(can_be_altered(table, column.name) for table, column in narrow):
        return ""
    statements = [
        f"ALTER TABLE {table.name} ALTER COLUMN {quoted(column.name)} TYPE bigint;"
        for table, column in narrow
    ]
    if sequence.type != "bigint" and not sequence.identity:
        statements.append(f"ALTER SEQUENCE {sequence.name} AS bigint;")
    return "\n".join(statements)
