"""Queries along foreign keys: the rows of a parent, parents with how many children, a hierarchy downwards."""

from __future__ import annotations

from collections.abc import Iterator

from migplan.catalog.model import Column, ForeignKey, Table
from migplan.document.derive import columns as meaning
from migplan.document.derive.access import Question, covering, performance
from migplan.document.derive.facts import Facts
from migplan.document.derive.query import PAGE, Parameters, column, equal, unlike, written
from migplan.document.derive.wording import shown
from migplan.document.model import Pattern
from migplan.names import quoted
from migplan.text.wording import joined

_DEEPEST = 100


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
    """The key that says most of a row: to another table, with an index, not the tenant's if there is more."""
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
    return tenant in table_policies(table) or any(
        {tenant, *key.columns} <= set(index.columns) for index in table.indexes
    )


def table_policies(table: Table) -> set[str]:
    """The columns that conditions of policies speak of, roughly: any that stand in their text."""
    texts = " ".join(
        text for policy in table.policies for text in (policy.using, policy.check) if text is not None
    )
    return {each.name for each in table.columns if texts and quoted(each.name) in texts}


def _busiest(table: Table, facts: Facts) -> ForeignKey | None:
    """Of the keys that refer to a table, one whose table much else hangs on."""
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
