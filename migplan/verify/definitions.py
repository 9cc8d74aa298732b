"""Definitions that two versions of the server print differently, brought to one form.

The server prints views, checks and expressions from its own tree, and a newer one may print the same tree in
other words. PostgreSQL's parser reads both, and what is left of a difference then is one of meaning. One
change is more than blanks and parentheses: since 16, a view of one relation names its columns without it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import postgast
from postgast import pg_query_pb2 as pg

from migplan.catalog.model import Catalog, Check, Column, Index, Policy, Rule, Table, Trigger


def alike(catalog: Catalog) -> Catalog:
    """The catalog with every definition in the form that does not depend on the server's version."""
    return replace(
        catalog,
        tables=tuple(map(_table, catalog.tables)),
        views=tuple(
            replace(
                view,
                definition=statement(view.definition),
                indexes=tuple(map(_index, view.indexes)),
                rules=tuple(map(_rule, view.rules)),
                triggers=tuple(map(_trigger, view.triggers)),
            )
            for view in catalog.views
        ),
        # A privilege that 17 brought, and gives to whoever was given all of them.
        grants=tuple(
            replace(
                grant,
                privileges=tuple(each for each in grant.privileges if not each.startswith("MAINTAIN")),
                withheld=tuple(each for each in grant.withheld if not each.startswith("MAINTAIN")),
            )
            for grant in catalog.grants
        ),
    )


def statement(text: str) -> str:
    """A statement as the parser's own printer writes it; as it is where the parser cannot read it."""
    return _printed(text, lambda tree: _without_needless_names(tree.stmts[0].stmt))


def expression(text: str | None) -> str | None:
    """An expression likewise."""
    if text is None:
        return None
    return _printed(f"SELECT ({text})", lambda _tree: None).removeprefix("SELECT ")


def _table(table: Table) -> Table:
    return replace(
        table,
        columns=tuple(map(_column, table.columns)),
        checks=tuple(map(_check, table.checks)),
        exclusions=tuple(map(_check, table.exclusions)),
        indexes=tuple(map(_index, table.indexes)),
        policies=tuple(map(_policy, table.policies)),
        triggers=tuple(map(_trigger, table.triggers)),
        rules=tuple(map(_rule, table.rules)),
    )


def _column(column: Column) -> Column:
    return replace(column, default=expression(column.default)) if column.default else column


def _check(check: Check) -> Check:
    head = "ALTER TABLE t ADD "
    return replace(check, definition=statement(head + check.definition).removeprefix(head))


def _index(index: Index) -> Index:
    if not (index.definition or index.predicate):
        return index
    return replace(
        index,
        definition=statement(index.definition) if index.definition else None,
        predicate=expression(index.predicate),
        columns=tuple(
            column if column.isidentifier() else expression(column) or column for column in index.columns
        ),
    )


def _policy(policy: Policy) -> Policy:
    return replace(policy, using=expression(policy.using), check=expression(policy.check))


def _trigger(trigger: Trigger) -> Trigger:
    return replace(trigger, definition=statement(trigger.definition))


def _rule(rule: Rule) -> Rule:
    return replace(rule, definition=statement(rule.definition))


def _printed(text: str, change: Callable[[pg.ParseResult], None]) -> str:
    try:
        tree = postgast.parse(text)
        if len(tree.stmts) != 1:
            return text
        change(tree)
        return str(postgast.deparse(tree))
    except postgast.PgQueryError:
        return text


def _without_needless_names(node: pg.Node) -> None:
    """Take the name of a query's only relation from its columns."""
    if not node.HasField("select_stmt"):
        return
    select = node.select_stmt
    if len(select.from_clause) != 1:
        return
    only = select.from_clause[0]
    name = _name(only)
    if not name:
        return
    for reference in _references(node):
        if len(reference.fields) > 1 and reference.fields[0].string.sval == name:
            del reference.fields[0]


def _name(relation: pg.Node) -> str:
    """What columns of a relation are called by; nothing for a join."""
    kind = relation.WhichOneof("node")
    if kind not in {"range_var", "range_subselect", "range_function"}:
        return ""
    found = getattr(relation, str(kind))
    if found.HasField("alias"):
        return str(found.alias.aliasname)
    return str(found.relname) if kind == "range_var" else ""


def _references(message: Any) -> Iterator[pg.ColumnRef]:
    if isinstance(message, pg.ColumnRef):
        yield message
        return
    for field, value in message.ListFields():
        if field.message_type is not None:
            for item in [value] if hasattr(value, "ListFields") else value:
                yield from _references(item)
