"""Queries that a table's keys, indexes and policies suggest: two to five, each of which runs as it stands."""

import re
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, count

from migplan.catalog.model import Column, ForeignKey, Index, Table, TableKind
from migplan.document.derive import columns as meaning
from migplan.document.derive.access import Question, covering, performance
from migplan.document.derive.facts import Facts
from migplan.document.derive.indexes import distance, is_descending, operator_class
from migplan.document.derive.platforms import external_ids
from migplan.document.derive.policies import parenthesised
from migplan.document.derive.wording import HOME, columns_of, shown
from migplan.document.model import Pattern
from migplan.names import quoted, split
from migplan.text.wording import joined

PAGE = 50
MOST = 5  # queries of a table
LEAST = 2
_AFTER_WHERE = ("GROUP BY", "ORDER BY", "LIMIT")
_DEEPEST = 100
_CONFIGURATION = re.compile(r"to_tsvector\('((?:[^']|'')+)'::regconfig")
_NEAREST = 10
_RANGES = frozenset({"int4range", "int8range", "numrange", "tsrange", "tstzrange", "daterange"})
_CONTAINING = frozenset({"", "jsonb_path_ops", "jsonb_ops", "array_ops"})


class Parameters:
    """``$1``, ``$2``, ... in the order in which they are asked for."""

    def __init__(self) -> None:
        self._numbers = count(1)

    def __call__(self) -> str:
        return f"${next(self._numbers)}"


def equal(columns: Iterable[str], given: Parameters, of: str = "") -> list[str]:
    """``a = $1``, ``b = $2``; with ``of`` the columns of a table by that other name."""
    return [f"{column(name, of)} = {given()}" for name in columns]


def column(name: str, of: str = "") -> str:
    """``a``, or ``child.a``."""
    return f"{of}.{quoted(name)}" if of else quoted(name)


def written(*clauses: str, where: Iterable[str] = ()) -> str:
    """Return the statement, one clause per line, WHERE in its place."""
    conditions = "\n  AND ".join(where)
    lines = list(clauses)
    if conditions:
        after = next((n for n, clause in enumerate(lines) if clause.startswith(_AFTER_WHERE)), len(lines))
        lines.insert(after, f"WHERE {conditions}")
    return "\n".join(lines) + ";"


def rows_of(table: Table, *clauses: str, where: Iterable[str] = ()) -> str:
    """Return the statement for rows of a table."""
    return written("SELECT *", f"FROM {shown(table.name)}", *clauses, where=where)


def unlike(taken: Iterable[str], wanted: str) -> str:
    """Return a name that no column has already."""
    names = set(taken)
    return next(each for each in _variants(wanted) if each not in names)


def _variants(wanted: str) -> Iterator[str]:
    yield wanted
    yield from (f"{wanted}_{number}" for number in count(2))


# --- one row, or all of them page by page -------------------------------------------------------------------


def by_primary_key(table: Table, facts: Facts) -> Iterator[Pattern]:
    """The row with a primary key."""
    key = table.primary_key
    if key is None:
        return
    sql = rows_of(table, where=equal(key.columns, Parameters()))
    yield Pattern(
        f"The row with a given {joined(key.columns)}",
        sql,
        "A key that holds for ranges: its index finds the row."
        if key.without_overlaps
        else performance(table, Question(key.columns), facts),
    )


def by_unique_key(table: Table, facts: Facts) -> Iterator[Pattern]:
    """The row by a unique key; keys of external ids come first."""
    primary = table.primary_key.name if table.primary_key else ""
    outside = set(external_ids(table, facts.platforms))
    indexes = [each for each in table.indexes if _is_rule(each) and each.constraint != primary]
    indexes.sort(key=lambda each: (outside.isdisjoint(each.columns), each.is_partial, each.name))
    for index in indexes[:1]:
        yield _by_unique_index(index, table, facts)


def page_by_page(table: Table, facts: Facts) -> Iterator[Pattern]:
    """All rows in the order of the primary key, a page at a time, from where the last page ended."""
    key = table.primary_key
    if key is None or key.without_overlaps:
        return
    given, columns = Parameters(), columns_of(key.columns)
    last = ", ".join(given() for _ in key.columns)
    after = f"{columns} > {last}" if len(key.columns) == 1 else f"({columns}) > ({last})"
    sql = rows_of(table, f"ORDER BY {columns}", f"LIMIT {PAGE}", where=[after])
    yield Pattern(
        "All rows, a page at a time, from where the last page ended",
        sql,
        performance(table, Question((), key.columns[0]), facts),
    )


def a_few(table: Table, _: Facts) -> Iterator[Pattern]:
    """Some rows, whichever come first."""
    yield Pattern(
        "A few rows, whichever come first",
        rows_of(table, f"LIMIT {PAGE}"),
        "No order is asked for, so it ends with the first rows that are met.",
    )


def how_many(table: Table, _: Facts) -> Iterator[Pattern]:
    """The number of rows."""
    far = " there" if table.kind is TableKind.FOREIGN else ""
    yield Pattern(
        "How many rows there are",
        written("SELECT count(*)", f"FROM {shown(table.name)}"),
        f"The whole table is read{far}, or the whole of one index.",
    )


def _is_rule(index: Index) -> bool:
    return index.unique and index.valid and index.method == "btree" and bool(index.columns)


def _by_unique_index(index: Index, table: Table, facts: Facts) -> Pattern:
    names = {column.name for column in table.columns}
    given = Parameters()
    parts = [columns_of([part]) if part in names else f"({part})" for part in index.columns]
    where = [f"{part} = {given()}" for part in parts]
    if index.predicate:
        where.append(parenthesised(index.predicate))
    sql = rows_of(table, where=where)
    said = performance(table, Question(index.columns, where=index.predicate), facts)
    return Pattern(f"The row with a given {joined(index.columns)}", sql, said)


# --- lists: the newest first, what falls into some days, what waits for somebody ----------------------------


def newest(table: Table, facts: Facts) -> Iterator[Pattern]:
    """The newest rows, by an index made for that, or by the time of insertion."""
    index = _made_for_time(table)
    created = meaning.created(table)
    if index is not None:
        ahead, last = index.columns[:-1], index.columns[-1]
        order = f"{quoted(last)} {is_descending(index) or 'DESC'}"
    elif created is not None:
        ahead, last = facts.ahead(table), created.name
        key = followed(table, facts)
        if key is not None and key.columns == ahead:
            return  # the rows of that parent are the same list
        order = f"{quoted(last)} DESC"
    else:
        return
    sql = rows_of(
        table,
        f"ORDER BY {order}",
        f"LIMIT {PAGE}",
        where=equal(ahead, Parameters()),
    )
    of = f" of a given {joined(ahead)}" if ahead else ""
    yield Pattern(f"The latest rows{of}, by {last}", sql, performance(table, Question(ahead, last), facts))


def between_days(table: Table, facts: Facts) -> Iterator[Pattern]:
    """Rows whose days overlap those that are asked for."""
    for begin, end in list(meaning.spans(table))[:1]:
        index = _with_span(table, begin.name, end.name)
        ahead = tuple(index.columns[: index.columns.index(begin.name)]) if index else ()
        ahead = ahead or facts.ahead(table)
        given = Parameters()
        where = equal(ahead, given)
        low, high = given(), given()
        where += [f"{quoted(begin.name)} < {high}", f"{quoted(end.name)} > {low}"]
        sql = rows_of(table, f"ORDER BY {quoted(begin.name)}", where=where)
        of = f" of a given {joined(ahead)}" if ahead else ""
        yield Pattern(
            f"Rows{of} between two days, by {begin.name} and {end.name}",
            sql,
            performance(table, Question(ahead, begin.name), facts),
        )


def waiting(table: Table, facts: Facts) -> Iterator[Pattern]:
    """What a partial index holds, or the rows in one state."""
    partial = [each for each in table.indexes if _is_queue(each, table)]
    status = meaning.status(table)
    if partial:
        index = partial[0]
        order = columns_of(index.columns)
        sql = rows_of(
            table,
            f"ORDER BY {order}",
            f"LIMIT {PAGE}",
            where=[parenthesised(index.predicate or "true")],
        )
        said = f"Index {quoted(index.name)} holds only these rows, and in this order."
        yield Pattern(f"The rows of index {index.name}, in its order", sql, said)
    elif status is not None:
        yield in_state(table, status.name, facts)


def in_state(table: Table, status: str, facts: Facts) -> Pattern:
    """The rows in one state, the oldest first where one can tell."""
    created = meaning.created(table)
    ahead = (*facts.ahead(table), status)
    order = [f"ORDER BY {quoted(created.name)}"] if created else []
    sql = rows_of(table, *order, f"LIMIT {PAGE}", where=equal(ahead, Parameters()))
    return Pattern(
        f"The rows with a given {joined(ahead)}{', the oldest first' if created else ''}",
        sql,
        performance(table, Question(ahead, created.name if created else None), facts),
    )


def _made_for_time(table: Table) -> Index | None:
    """Return a B-tree that ends with a timestamp, or None: DESC first, then the fewest columns."""
    moments = {column.name for column in table.columns if meaning.is_moment(column)}
    names = {column.name for column in table.columns}
    spans = {end.name for pair in meaning.spans(table) for end in pair}
    found = [
        index
        for index in table.indexes
        if index.valid
        and index.method == "btree"
        and not index.is_partial
        and not index.unique
        and set(index.columns) <= names
        and index.columns[-1] in moments - spans
    ]
    return min(found, key=lambda each: (not is_descending(each), len(each.columns), each.name), default=None)


def _with_span(table: Table, begin: str, end: str) -> Index | None:
    names = {column.name for column in table.columns}
    return next(
        (
            index
            for index in table.indexes
            if index.valid
            and index.method == "btree"
            and not index.is_partial
            and {begin, end} <= set(index.columns) <= names
            and index.columns.index(begin) < index.columns.index(end)
        ),
        None,
    )


def _is_queue(index: Index, table: Table) -> bool:
    names = {column.name for column in table.columns}
    return (
        index.valid
        and index.is_partial
        and not index.unique
        and index.method == "btree"
        and bool(index.columns)
        and set(index.columns) <= names
        and " DESC" not in (index.definition or "").partition(" WHERE ")[0]
    )


# --- along foreign keys: the rows of a parent, parents with how many children, a hierarchy ------------------


def of_parent(table: Table, facts: Facts) -> Iterator[Pattern]:
    """The rows of one parent, with what people call it."""
    key = followed(table, facts)
    if key is None:
        return
    parent = facts.catalog.by_name[key.referenced]
    given = Parameters()
    tenant = facts.tenant(table)
    ahead = (tenant,) if tenant and tenant not in key.columns and _with_tenant(table, key, tenant) else ()
    wanted = (*ahead, *key.columns)
    newest = meaning.created(table)
    name = meaning.display(parent)
    fields = "child.*" + (f", parent.{quoted(name.name)} AS {_alias(table, key, name)}" if name else "")
    clauses = [
        f"SELECT {fields}",
        f"FROM {shown(table.name)} AS child",
        f"JOIN {shown(parent.name)} AS parent ON {_on(key)}",
    ]
    if newest:
        clauses += [f"ORDER BY {column(newest.name, 'child')} DESC", f"LIMIT {PAGE}"]
    yield Pattern(
        f"The rows of one of {parent.name.name}, by {joined(key.columns)}",
        written(*clauses, where=equal(wanted, given, "child")),
        performance(table, Question(wanted, newest.name if newest else None), facts, key),
    )


def children_counted(table: Table, facts: Facts) -> Iterator[Pattern]:
    """A row with how many rows refer to it."""
    key = _busiest(table, facts)
    if key is None:
        return
    child = facts.catalog.by_name[key.table]
    name = meaning.display(table)
    fields = [column(each, "parent") for each in key.referenced_columns]
    if name and name.name not in key.referenced_columns:
        fields.append(column(name.name, "parent"))
    count = quoted(unlike([*key.referenced_columns, name.name if name else ""], f"in_{child.name.name}"[:60]))
    sql = written(
        f"SELECT {', '.join(fields)}, count({column(key.columns[0], 'child')}) AS {count}",
        f"FROM {shown(table.name)} AS parent",
        f"LEFT JOIN {shown(child.name)} AS child ON {_on(key)}",
        f"GROUP BY {', '.join(fields)}",
        where=equal(key.referenced_columns, Parameters(), "parent"),
    )
    index = covering(key, child)
    if index is not None:
        said = f"Index {quoted(index.name)} of {child.name} finds what is counted."
    else:
        said = performance(child, Question(key.columns), facts, key).replace(
            "the whole table", f"the whole of {child.name}"
        )
    yield Pattern(f"How many rows of {child.name.name} a row has", sql, said)


def hierarchy(table: Table, facts: Facts) -> Iterator[Pattern]:
    """A row and all that is below it."""
    keys = [key for key in table.foreign_keys if key.refers_to_itself and not key.period]
    keys.sort(key=lambda key: (len(key.columns), "parent" not in key.columns[-1].lower(), key.name))
    for key in keys[:1]:
        own = [quoted(each) for each in key.referenced_columns]
        level = quoted(unlike([each.name for each in table.columns], "steps_down"))
        start = equal(key.referenced_columns, Parameters(), "node")
        down = " AND ".join(
            f"child.{quoted(a)} = below.{quoted(b)}"
            for a, b in zip(key.columns, key.referenced_columns, strict=True)
        )
        back = " AND ".join(f"node.{each} = below.{each}" for each in own)
        name = shown(table.name)
        sql = "\n".join(
            [
                "WITH RECURSIVE below AS (",
                f"    SELECT {', '.join(f'node.{each}' for each in own)}, 0 AS {level}",
                f"    FROM {name} AS node",
                f"    WHERE {' AND '.join(start)}",
                "    UNION ALL",
                f"    SELECT {', '.join(f'child.{each}' for each in own)}, below.{level} + 1",
                f"    FROM {name} AS child",
                f"    JOIN below ON {down}",
                f"    WHERE below.{level} < {_DEEPEST}",
                ")",
                f"SELECT node.*, below.{level}",
                "FROM below",
                f"JOIN {name} AS node ON {back}",
                f"ORDER BY below.{level};",
            ]
        )
        said = performance(table, Question(key.columns), facts, key)
        yield Pattern(
            f"A row and all that is below it, by {joined(key.columns)}",
            sql,
            f"For each row on the way down: {said[0].lower()}{said[1:]} It ends after {_DEEPEST} steps, "
            "should rows go round in a circle.",
        )


def followed(table: Table, facts: Facts) -> ForeignKey | None:
    """Return the most telling foreign key: to another table, indexed, the tenant's only if it is the last."""
    keys = [
        key
        for key in table.foreign_keys
        if not key.refers_to_itself and not key.period and key.referenced in facts.catalog.by_name
    ]
    tenant = facts.tenant(table)
    return min(
        keys,
        key=lambda key: (
            key.columns == (tenant,),
            covering(key, table) is None,
            any(not table.column(each).not_null for each in key.columns),
            key.name,
        ),
        default=None,
    )


def _with_tenant(table: Table, key: ForeignKey, tenant: str) -> bool:
    """Whether asking for the tenant as well is what a policy or an index is made for."""
    return tenant in _policy_columns(table) or any(
        {tenant, *key.columns} <= set(index.columns) for index in table.indexes
    )


def _policy_columns(table: Table) -> set[str]:
    """Return the columns that are named in conditions of policies."""
    texts = " ".join(
        text for policy in table.policies for text in (policy.using, policy.check) if text is not None
    )
    return {each.name for each in table.columns if texts and quoted(each.name) in texts}


def _busiest(table: Table, facts: Facts) -> ForeignKey | None:
    """Return the key that refers to a table from the one on which most others depend."""
    keys = [
        key
        for key in facts.incoming.get(table.name, ())
        if not key.refers_to_itself and not key.period and key.table in facts.graph.tables
    ]
    blocked = facts.graph.blocked
    return min(keys, key=lambda key: (-blocked[key.table], key.table, key.name), default=None)


def _on(key: ForeignKey) -> str:
    return " AND ".join(
        f"{column(theirs, 'parent')} = {column(own, 'child')}"
        for own, theirs in zip(key.columns, key.referenced_columns, strict=True)
    )


def _alias(table: Table, key: ForeignKey, name: Column) -> str:
    """``hotel_name`` for the name of what ``hotel_id`` refers to."""
    stem = meaning.snake(key.columns[-1])
    for end in ("_id", "_uuid", "_code", "_key"):
        stem = stem.removesuffix(end)
    return quoted(unlike([each.name for each in table.columns], f"{stem or 'parent'}_{name.name}"[:60]))


# --- what an index of another kind than B-tree is made for --------------------------------------------------


def searching(table: Table, _: Facts) -> Iterator[Pattern]:
    """One query for each kind of search that an index serves; nearest neighbours also without one."""
    seen = set()
    for index in sorted(table.indexes, key=lambda each: (each.is_partial, each.name)):
        pattern = _searched(index, table) if index.valid and index.columns else None
        if pattern is not None and pattern.title not in seen:
            seen.add(pattern.title)
            yield pattern
    yield from _without_index(table)


def _searched(index: Index, table: Table) -> Pattern | None:
    if distance(index):
        return _nearest(index, table)
    found = _of_text(index, table) or _of_contents(index, table)
    if found is None:
        return None
    title, condition = found
    where = [condition, *([parenthesised(index.predicate)] if index.predicate else [])]
    said = f"Index {quoted(index.name)} finds the rows."
    if index.method == "brin":
        said = f"Index {quoted(index.name)} leaves out the parts of the table that lie elsewhere."
    return Pattern(title, rows_of(table, where=where), said)


def _of_text(index: Index, table: Table) -> tuple[str, str] | None:
    """A title and a condition for an index that looks into texts."""
    if index.method not in ("gin", "gist"):
        return None
    column = _first(index, table)
    title, what = _named(index, column)
    if "trgm_ops" in operator_class(index):
        return f"Rows whose {title} has some letters in it", f"{what} ILIKE '%' || $1 || '%'"
    if column.type == "tsvector" if column else index.columns[0].startswith("to_tsvector("):
        return f"Rows with some words, by {title}", f"{what} @@ {_words(index)}"
    return None


def _of_contents(index: Index, table: Table) -> tuple[str, str] | None:
    """Return the same for an index on members or ranges, or for BRIN."""
    column = _first(index, table)
    if column is None:
        return None
    name, type_ = column.name, column.type
    match index.method:
        case "gin" if (type_ == "jsonb" or type_.endswith("[]")) and operator_class(index) in _CONTAINING:
            return f"Rows whose {name} contains something", f"{quoted(name)} @> $1::{type_}"
        case "gist" if type_ in _RANGES:
            return f"Rows whose {name} overlaps a range", f"{quoted(name)} && $1::{type_}"
        case "brin" if meaning.is_moment(column):
            return f"Rows from one {name} to another", f"{quoted(name)} >= $1 AND {quoted(name)} < $2"
    return None


def _first(index: Index, table: Table) -> Column | None:
    return next((column for column in table.columns if column.name == index.columns[0]), None)


def _named(index: Index, column: Column | None) -> tuple[str, str]:
    """What an index begins with, for people and for SQL."""
    return (column.name, quoted(column.name)) if column else (index.columns[0], f"({index.columns[0]})")


def _words(index: Index) -> str:
    found = _CONFIGURATION.search(index.columns[0])
    return f"websearch_to_tsquery('{found[1]}', $1)" if found else "websearch_to_tsquery($1)"


def _nearest(index: Index, table: Table) -> Pattern:
    column = _first(index, table)
    title, what = _named(index, column)
    schema = _schema_of_class(index) or (_schema(column) if column else "")
    where = [parenthesised(index.predicate)] if index.predicate else []
    order = f"{what} {_called(distance(index) or '', schema)} $1"
    return _near(table, title, order, where, f"Index {quoted(index.name)} finds them.")


def _without_index(table: Table) -> Iterator[Pattern]:
    indexed = {index.columns[0] for index in table.indexes if index.columns and distance(index)}
    for column in table.columns:
        vectors = meaning.bare_type(column.type) in ("vector", "halfvec") and not column.type.endswith("]")
        if vectors and column.name not in indexed:
            order = f"{quoted(column.name)} {_called('<=>', _schema(column))} $1"
            yield _near(table, column.name, order, [], "No index helps: each row is compared.")


def _near(table: Table, title: str, order: str, where: list[str], said: str) -> Pattern:
    sql = rows_of(table, f"ORDER BY {order}", f"LIMIT {_NEAREST}", where=where)
    return Pattern(f"The rows whose {title} is nearest", sql, said)


def _called(operator: str, schema: str) -> str:
    """Return an operator, with its schema where that is not in the search path."""
    return operator if schema in ("", HOME) else f"OPERATOR({quoted(schema)}.{operator})"


def _schema(column: Column) -> str:
    parts = split(column.type.partition("(")[0])
    return parts[0] if len(parts) == 2 else ""


def _schema_of_class(index: Index) -> str:
    found = re.search(r'("(?:[^"]|"")+"|\w+)\."?\w+_ops\b', index.definition or "")
    return split(found[1])[0] if found else ""


# --- all of them --------------------------------------------------------------------------------------------


Drafter = Callable[[Table, Facts], Iterator[Pattern]]

# In this order the first five are taken.
DRAFTERS: tuple[Drafter, ...] = (
    by_primary_key,
    of_parent,
    hierarchy,
    between_days,
    searching,
    children_counted,
    newest,
    waiting,
    by_unique_key,
)
# What there is to ask of any table, where the others have less than two to suggest.
ANYWAY: tuple[Drafter, ...] = (page_by_page, a_few, how_many)


def drafted(table: Table, facts: Facts) -> tuple[Pattern, ...]:
    """Return the queries for one table; more than two of one kind come after those of all other kinds."""
    each = [tuple(drafter(table, facts)) for drafter in DRAFTERS]
    found: dict[str, Pattern] = {}
    for pattern in (*_flat(several[:2] for several in each), *_flat(several[2:] for several in each)):
        if len(found) < MOST:
            found.setdefault(pattern.sql, pattern)
    for pattern in _flat(drafter(table, facts) for drafter in ANYWAY):
        if len(found) < LEAST:
            found.setdefault(pattern.sql, pattern)
    return tuple(found.values())


_flat = chain.from_iterable
