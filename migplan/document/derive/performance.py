"""What the server has counted, in classes, and which ways of asking a table's indexes serve.

Looking at a database counts as reading it, so the classes are wide: a few reads a day change none of them,
and nothing that migplan does counts as writing. Where the server does not say since when it has counted,
a month is assumed.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from migplan.advise.rules import key_without_index
from migplan.catalog.model import Table, Use
from migplan.document.derive import columns as meaning
from migplan.document.derive.access import Question, best, covering
from migplan.document.derive.facts import Facts
from migplan.document.derive.indexes import distance
from migplan.document.derive.platforms import external_ids
from migplan.document.derive.policies import stripped
from migplan.document.derive.wording import columns_of
from migplan.document.model import Frequency, Growth, Performance
from migplan.names import quoted
from migplan.text.wording import joined, listed

# A day: scans of a table, rows written, rows more than the day before.
READS = {Frequency.HIGH: 10_000, Frequency.MEDIUM: 500}
WRITES = {Frequency.HIGH: 1_000, Frequency.MEDIUM: 20}
FAST_GROWTH = 100

ASSUMED_DAYS = 30.0
ENOUGH_SCANS = 1_000  # fewer say nothing about how a table is asked
ENOUGH_ROWS = 1_000  # smaller tables are read whole, and rightly so
ENOUGH_DAYS = 7.0  # an index that is not used for less may wait for its day
WASTE = 0.2
ENOUGH_WASTE = 1_000_000


@dataclass(frozen=True, slots=True)
class Period:
    """For how long the server has counted."""

    days: float
    assumed: bool = False


def period(facts: Facts) -> Period | None:
    """Return for how long the server has counted, at least one day; None where vitals were not read."""
    catalog = facts.catalog
    if catalog.vitals is None:
        return None
    since = catalog.vitals.statistics_since
    if since is None:
        return Period(ASSUMED_DAYS, assumed=True)
    passed = datetime.fromisoformat(catalog.server.read_at) - datetime.fromisoformat(since)
    return Period(max(1.0, passed.total_seconds() / 86_400))


def performance(table: Table, facts: Facts, counted_for: Period | None) -> Performance:
    """Frequencies, growth and notes; unknown without vitals."""
    indexing = tuple(_indexing(table, facts))
    if counted_for is None:
        return Performance(indexing=indexing)
    family = facts.graph.families.get(table.name, (table,))
    use = _together(family)
    days = counted_for.days
    return Performance(
        reads=_frequency((use.sequential_scans + use.index_scans) / days, READS),
        writes=_writes(use, days),
        growth=_growth(use, days),
        notes=tuple(_notes(family, use, facts, counted_for)),
        indexing=indexing,
    )


def _together(family: tuple[Table, ...]) -> Use:
    """The counters of a table and its partitions."""
    uses = [table.use for table in family]
    return Use(
        sequential_scans=sum(use.sequential_scans for use in uses),
        index_scans=sum(use.index_scans for use in uses),
        inserted=sum(use.inserted for use in uses),
        updated=sum(use.updated for use in uses),
        deleted=sum(use.deleted for use in uses),
        dead_rows=sum(use.dead_rows for use in uses),
    )


def _frequency(daily: float, steps: dict[Frequency, int]) -> Frequency:
    return next((frequency for frequency, least in steps.items() if daily >= least), Frequency.LOW)


def _writes(use: Use, days: float) -> Frequency:
    written = use.inserted + use.updated + use.deleted
    return _frequency(written / days, WRITES) if written else Frequency.NONE


def _growth(use: Use, days: float) -> Growth:
    more = use.inserted - use.deleted
    if more <= 0:
        return Growth.STATIC
    return Growth.FAST if more / days >= FAST_GROWTH else Growth.SLOW


def _notes(family: tuple[Table, ...], use: Use, facts: Facts, counted_for: Period) -> Iterator[str]:
    rows = sum(table.rows or 0 for table in family)
    scans = use.sequential_scans + use.index_scans
    if scans >= ENOUGH_SCANS and rows >= ENOUGH_ROWS:
        yield _how_asked(use.index_scans / scans)
    if use.dead_rows >= ENOUGH_ROWS and use.dead_rows >= WASTE * (rows + use.dead_rows):
        share = _rounded(use.dead_rows / (rows + use.dead_rows))
        yield f"About {share} % of its rows are dead: VACUUM does not keep up."
    for table in family:
        for each in facts.bloat.get(table.name, ()):
            if each.wasted >= max(ENOUGH_WASTE, WASTE * each.bytes):
                what = f"index {quoted(each.index)}" if each.index else str(table.name)
                yield f"About {_rounded(each.wasted / each.bytes)} % of {what} is empty space."
    unused = [index.name for index in family[0].indexes if _is_unused(index.scans, index.unique, index.valid)]
    if unused and scans >= ENOUGH_SCANS and counted_for.days >= ENOUGH_DAYS:
        yield f"Not used since the server began to count: {listed(map(quoted, unused), 5)}."
    if counted_for.assumed and use != Use():
        yield "The server does not say since when it has counted; a month is assumed."


def _how_asked(share: float) -> str:
    if share >= 0.95:
        return "Nearly all reads use an index."
    if share >= 0.5:
        return "Most reads use an index; the others go through the whole table."
    return "Most reads go through the whole table."


def _rounded(share: float) -> int:
    return round(share * 10) * 10


def _is_unused(scans: int | None, unique: bool, valid: bool) -> bool:
    return scans == 0 and valid and not unique


def _indexing(table: Table, facts: Facts) -> Iterator[str]:
    if not table.indexes:
        yield "There is no index: every question reads the whole table."
        return
    yield from _tenants(table, facts)
    yield from _keys(table, facts)
    for begin, end in meaning.spans(table):
        what = f"Dates, {quoted(begin.name)} to {quoted(end.name)}"
        yield f"{what}: {_served(table, {begin.name, end.name})}"
    status = meaning.status(table)
    if status is not None:
        yield f"State, {quoted(status.name)}: {_served(table, {status.name}, also_partial=True)}"
    for name in external_ids(table, facts.platforms):
        yield f"Ids of other systems, {quoted(name)}: {_served(table, {name}, also_partial=True)}"
    for index in table.indexes:
        if distance(index):
            yield f"Nearness: {index.method} index {quoted(index.name)} on {joined(list(index.columns))}."
        elif index.method in ("gin", "gist", "spgist", "brin"):
            what = joined(list(index.columns))
            yield f"Contents: {index.method} index {quoted(index.name)} on {what}."


def _tenants(table: Table, facts: Facts) -> Iterator[str]:
    for column in facts.isolating(table):
        fit = best(table, Question((column,)))
        whose = f"Isolation by {quoted(column)}, which the policies compare: "
        yield whose + (
            f"index {quoted(fit.index.name)} begins with it." if fit else "no whole index begins with it."
        )


def _keys(table: Table, facts: Facts) -> Iterator[str]:
    bare = [key for key in table.foreign_keys if covering(key, table) is None]
    if not bare:
        if table.foreign_keys:
            yield f"Foreign key{'s'[: len(table.foreign_keys) - 1]}: {_all(len(table.foreign_keys))}."
        return
    code = facts.codes(table, key_without_index.RULE.code)
    names = listed(f"({columns_of(key.columns)})" for key in bare)
    yield f"Foreign keys: no index begins with {names}{f' ({code})' if code else ''}."


def _all(number: int) -> str:
    return "it has an index" if number == 1 else f"each of the {number} has an index"


def _served(table: Table, wanted: set[str], *, also_partial: bool = False) -> str:
    for index in table.indexes:
        if not index.valid or (index.is_partial and not also_partial):
            continue
        if wanted <= set(index.columns):
            return f"index {quoted(index.name)}."
        if also_partial and index.predicate and any(quoted(name) in index.predicate for name in wanted):
            return f"index {quoted(index.name)}, which holds only rows where {stripped(index.predicate)}."
    return "no index."
