"""Indexes as SQL, and what each is good for."""

import re
from collections.abc import Iterator

from migplan.catalog.model import ForeignKey, Index, Table, TableKind
from migplan.document.derive import columns as meaning
from migplan.document.derive.facts import Facts
from migplan.document.derive.platforms import external_ids, sync_fields
from migplan.document.derive.policies import stripped
from migplan.document.derive.wording import columns_of
from migplan.document.model import DescribedIndex
from migplan.names import quoted
from migplan.text.wording import joined, listed

_DISTANCES = {
    "vector_cosine_ops": "<=>",
    "vector_l2_ops": "<->",
    "vector_ip_ops": "<#>",
    "vector_l1_ops": "<+>",
    "halfvec_cosine_ops": "<=>",
    "halfvec_l2_ops": "<->",
    "halfvec_ip_ops": "<#>",
    "halfvec_l1_ops": "<+>",
    "sparsevec_cosine_ops": "<=>",
    "sparsevec_l2_ops": "<->",
    "sparsevec_ip_ops": "<#>",
    "sparsevec_l1_ops": "<+>",
    "bit_hamming_ops": "<~>",
    "bit_jaccard_ops": "<%>",
}
_WORDS = {
    "<=>": "cosine distance",
    "<->": "straight distance",
    "<#>": "inner product",
    "<+>": "taxicab distance",
    "<~>": "Hamming distance",
    "<%>": "Jaccard distance",
}
_CLASS = re.compile(r'"?(\w+_ops)"?')
_INCLUDED = re.compile(r" INCLUDE \(([^()]*)\)")


def described(table: Table, facts: Facts) -> tuple[DescribedIndex, ...]:
    """Every index of the table."""
    return tuple(
        DescribedIndex(index, definition(index, table), tuple(serves(index, table, facts)))
        for index in table.indexes
    )


def definition(index: Index, table: Table) -> str:
    """The index as ``pg_get_indexdef`` prints it; plain ones are put together here."""
    if index.definition is not None:
        return index.definition
    only = "ONLY " if table.kind is TableKind.PARTITIONED and not index.inherited else ""
    key = next((key for key in table.unique_keys if key.name == index.constraint), None)
    return (
        f"CREATE {'UNIQUE ' if index.unique else ''}INDEX {quoted(index.name)} ON {only}{table.name} "
        f"USING {quoted(index.method)} ({columns_of(index.columns)})"
        f"{' NULLS NOT DISTINCT' if key and key.nulls_not_distinct else ''}"
    )


def serves(index: Index, table: Table, facts: Facts) -> Iterator[str]:
    """Return what the index is good for, the most important first; never nothing."""
    if not index.valid:
        yield "Nothing: its building failed, and no query uses it."
        return
    said = [
        *_rule(index, table),
        *_keys(index, table, facts),
        *_policies(index, table, facts),
        *_method(index, table),
        *_order(index, table),
        *_names(index, table, facts),
    ]
    yield from said or [f"Finds rows by {joined(_parts(index), 'then')}."]
    yield from _limits(index, table)


def operator_class(index: Index) -> str:
    """The operator class of its first column, where one is named."""
    found = _CLASS.search(index.definition or "")
    return found[1] if found else ""


def distance(index: Index) -> str | None:
    """The operator by which an index of vectors compares; None for other indexes."""
    if index.method not in ("hnsw", "ivfflat"):
        return None
    return _DISTANCES.get(operator_class(index) or "vector_l2_ops")


def is_descending(index: Index) -> str:
    """Return how the last column is sorted: ``DESC``, ``DESC NULLS LAST``, or an empty text."""
    body = (index.definition or "").partition(" INCLUDE ")[0].partition(" WHERE ")[0].partition(" WITH ")[0]
    found = re.search(r" (DESC(?: NULLS LAST)?)\)$", body)
    return found[1] if found else ""


def _parts(index: Index) -> list[str]:
    return list(index.columns) or ["nothing"]


def _shown(index: Index, table: Table) -> list[str]:
    """Return its columns quoted, and its expressions as they are."""
    names = {column.name for column in table.columns}
    return [quoted(part) if part in names else part for part in index.columns]


def _rule(index: Index, table: Table) -> Iterator[str]:
    what = joined(_shown(index, table))
    if table.primary_key and index.constraint == table.primary_key.name:
        yield f"The primary key: finds a row by {what}."
    elif index.unique:
        among = f" among rows where {stripped(index.predicate)}" if index.predicate else ""
        yield f"Keeps {what} unique{among}, and finds the row by it."
    elif index.constraint:
        yield f"Holds the exclusion constraint {quoted(index.constraint)}."


def _keys(index: Index, table: Table, facts: Facts) -> Iterator[str]:
    covered = [key for key in table.foreign_keys if _covers(index, key)]
    for key in covered:
        yield (
            f"Covers the foreign key {columns_of(key.columns)} -> {key.referenced}: joins, and deletes there."
        )
    leaning = [
        key for key in facts.incoming.get(table.name, ()) if key.referenced_key == index.name and index.unique
    ]
    if leaning:
        yield f"Foreign keys of {listed(dict.fromkeys(key.table for key in leaning))} lean on it."


def _covers(index: Index, key: ForeignKey) -> bool:
    wanted = set(key.columns)
    return index.method == "btree" and not index.is_partial and set(index.columns[: len(wanted)]) == wanted


def _policies(index: Index, table: Table, facts: Facts) -> Iterator[str]:
    first = index.columns[0] if index.columns else ""
    if first in facts.isolating(table):
        yield f"The policies compare {quoted(first)}, with which it begins."


def _method(index: Index, table: Table) -> Iterator[str]:
    what = joined(_shown(index, table))
    column = next((c for c in table.columns if index.columns and c.name == index.columns[0]), None)
    kind = meaning.bare_type(column.type) if column else ""
    class_ = operator_class(index)
    match index.method:
        case "hnsw" | "ivfflat":
            yield f"Finds the nearest {what} by {_WORDS.get(distance(index) or '', 'distance')}."
        case "gin" | "gist" if "trgm_ops" in class_:
            yield f"Finds {what} by any part of the text, also misspelt (trigrams)."
        case "gin" | "gist" if kind == "tsvector" or "to_tsvector" in what:
            yield f"Full text search in {what}."
        case "gin" if kind == "jsonb":
            yield f"Finds rows by what {what} contains (JSON)."
        case "gin" if column is not None and column.type.endswith("[]"):
            yield f"Finds rows by the members of {what}."
        case "gist" if kind.endswith("range") and not index.constraint:
            yield f"Finds rows whose {what} overlaps or contains a value."
        case "gist" | "spgist" if kind in ("geometry", "geography", "point", "box", "polygon", "circle"):
            yield f"Finds rows by where {what} lies."
        case "brin":
            yield f"A small map of {what} for large ranges, where rows lie in its order on disk."
        case "hash":
            yield f"Finds rows by one value of {what}, and nothing else."


def _order(index: Index, table: Table) -> Iterator[str]:
    """Ranges of days, and lists with the newest first."""
    if index.method != "btree" or index.constraint or not index.columns:
        return
    for begin, end in meaning.spans(table):
        if {begin.name, end.name} <= set(index.columns):
            yield f"Ranges from {quoted(begin.name)} to {quoted(end.name)}."
            return
    last = next((column for column in table.columns if column.name == index.columns[-1]), None)
    if last is None or not meaning.is_moment(last):
        return
    per = f" of each {joined(_shown(index, table)[:-1])}" if len(index.columns) > 1 else ""
    if is_descending(index):
        yield f"The newest{per} first, by {quoted(last.name)}: for pages of a list."
    else:
        yield f"Rows{per} in order of {quoted(last.name)}, and ranges of it."


def _names(index: Index, table: Table, facts: Facts) -> Iterator[str]:
    found = set(index.columns)
    if ids := [name for name in external_ids(table, facts.platforms) if name in found]:
        yield f"Finds the row that another system calls by {columns_of(ids)}."
    if fields := [name for name, _ in sync_fields(table) if name in found]:
        yield f"Finds what is to be synced, by {columns_of(fields)}."
    first = next((c for c in table.columns if index.columns and c.name == index.columns[0]), None)
    if first is not None and meaning.is_status(first):
        yield f"Finds rows by {quoted(first.name)}."
    elif index.columns and first is None and index.method == "btree" and not index.unique:
        yield f"Finds rows by {_shown(index, table)[0]}, which is worked out from the row."


def _limits(index: Index, table: Table) -> Iterator[str]:
    if index.predicate and not index.unique:
        yield f"Holds only rows where {stripped(index.predicate)}."
    if included := _INCLUDED.search(index.definition or ""):
        yield f"Holds {included[1]} too, so that reading it alone can be enough."
    longer = _longer(index, table)
    if longer is not None:
        yield f"A leading part of {quoted(longer.name)}, which could do this as well."


def _longer(index: Index, table: Table) -> Index | None:
    """Return an index that makes this one redundant: it begins with the same columns."""
    if index.unique or index.constraint or index.definition is not None or index.method != "btree":
        return None
    size = len(index.columns)
    return next(
        (
            other
            for other in table.indexes
            if other.valid
            and other.method == "btree"
            and other.definition is None
            and other.columns[:size] == index.columns
            and (len(other.columns) > size or (other.name < index.name) or other.unique)
            and other is not index
        ),
        None,
    )
