"""What a table is made of: columns, keys, indexes, policies, triggers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from migplan.catalog.model import Check, Column, ForeignKey, Key, Table
from migplan.document.html.blocks import codes, coloured, grid, mark, muted, paragraph, part
from migplan.document.html.links import Links
from migplan.document.html.writing import NOTHING, Markup, code, element, joined
from migplan.document.model import DescribedIndex, TableDocument
from migplan.report.words import amount, listed

LABELS = 20  # values of an enumeration that are named


def columns(document: TableDocument, enums: Mapping[str, tuple[str, ...]]) -> Markup:
    """Every column; ``enums`` are the values of types that list them."""
    table = document.table
    primary = table.primary_key.columns if table.primary_key else ()
    unique = {key.columns[0] for key in table.unique_keys if len(key.columns) == 1}
    referring = {name for key in table.foreign_keys for name in key.columns}

    def line(column: Column) -> tuple[str, ...]:
        marks = [
            mark(text, "key")
            for text, names in (("PK", primary), ("FK", referring), ("UQ", unique))
            if column.name in names
        ]
        return (
            joined([code(column.name), *marks], " "),
            _type(column, enums),
            "no" if column.not_null else "yes",
            _value(column),
            element("span", column.comment, class_="lines") if column.comment else NOTHING,
        )

    heads = ("Column", "Type", "May be NULL", "Default", "Description")
    return part("Columns", grid(heads, map(line, table.columns)))


def _type(column: Column, enums: Mapping[str, tuple[str, ...]]) -> Markup:
    values = enums.get(column.type.removesuffix("[]"), ())
    told = [listed(values, LABELS)] if values else []
    told += [f"collation {column.collation}"] if column.collation else []
    return joined((code(column.type), *(element("span", text, class_="values") for text in told)))


def _value(column: Column) -> Markup:
    """What a column holds when nobody says."""
    if column.identity:
        return joined([f"identity, {column.identity}"])
    value = element("code", coloured(column.default)) if column.default is not None else NOTHING
    return joined([f"generated, {column.generated}: ", value]) if column.generated else value


def keys(document: TableDocument, links: Links) -> Markup:
    """Keys of the table, keys to other tables, and keys of other tables to it."""
    table = document.table
    own = [*filter(None, (table.primary_key,)), *table.unique_keys]
    return joined(
        (
            part("Keys", grid(("Key", "Kind", "Columns", ""), (_key(key) for key in own))),
            part(
                "Refers to",
                grid(
                    ("Columns", "Refers to", "On delete", "On update", "Key"),
                    (_outgoing(key, links) for key in table.foreign_keys),
                ),
            ),
            part(
                "Referred to by",
                grid(
                    ("Table", "Columns", "Refer to", "On delete", "Key"),
                    (_incoming(key, links) for key in document.incoming),
                ),
            ),
            part("Checks", grid(("Constraint", "Definition", ""), map(_check, _checks(table)))),
        )
    )


def _key(key: Key) -> tuple[str, ...]:
    remarks = [
        text
        for text, so in (
            ("deferrable", key.deferrable),
            ("initially deferred", key.initially_deferred),
            ("NULLs are not distinct", key.nulls_not_distinct),
            ("without overlaps", key.without_overlaps),
        )
        if so
    ]
    remarks += [key.comment] if key.comment else []
    return code(key.name), "primary" if key.primary else "unique", codes(key.columns), "; ".join(remarks)


def _outgoing(key: ForeignKey, links: Links) -> tuple[str, ...]:
    on_delete = key.on_delete
    if key.on_delete_columns:
        on_delete += f" ({', '.join(key.on_delete_columns)})"
    where = joined([links.table(key.referenced), " (", codes(key.referenced_columns), ")"])
    return codes(key.columns), where, on_delete, key.on_update, joined([code(key.name), *_remarks(key)], " ")


def _incoming(key: ForeignKey, links: Links) -> tuple[str, ...]:
    named = joined([code(key.name), *_remarks(key)], " ")
    return links.table(key.table), codes(key.columns), codes(key.referenced_columns), key.on_delete, named


def _remarks(key: ForeignKey) -> list[Markup]:
    """What is special about a key."""
    deferred = "initially deferred" if key.initially_deferred else "deferrable"
    found = (
        (key.refers_to_itself, "to itself"),
        (key.deferrable, deferred),
        (not key.validated, "NOT VALID"),
        (not key.enforced, "NOT ENFORCED"),
        (key.match != "SIMPLE", f"MATCH {key.match}"),
        (key.period, "PERIOD"),
    )
    marks = [mark(text) for so, text in found if so]
    return [*marks, element("span", key.comment, class_="muted")] if key.comment else marks


def _checks(table: Table) -> Iterator[Check]:
    yield from table.checks
    yield from table.exclusions


def _check(check: Check) -> tuple[str, ...]:
    remarks = [
        *(["NOT VALID"] if not check.validated else []),
        *(["NOT ENFORCED"] if not check.enforced else []),
        *([check.comment] if check.comment else []),
    ]
    return code(check.name), element("code", coloured(check.definition)), "; ".join(remarks)


def indexes(document: TableDocument) -> Markup:
    """Every index, and what it serves."""

    def lines() -> Iterator[tuple[str, ...]]:
        for described in document.indexes:
            index = described.index
            marks = [mark("unique")] if index.unique else []
            marks += [] if index.valid else [mark("not valid", "error")]
            marks += [mark("partial")] if index.is_partial else []
            yield (
                joined([code(index.name), *marks], " "),
                element("code", coloured(_how(described))),
                _with_comment(" ".join(described.serves), index.comment),
                "?" if index.bytes is None else amount(index.bytes),
                "?" if index.scans is None else f"{index.scans:,}",
            )

    return part("Indexes", grid(("Index", "How", "Serves", "Size", "Scans"), lines(), {3, 4}))


def _how(described: DescribedIndex) -> str:
    """An index's definition from its method on: its name and its table are known here."""
    at = described.definition.find(f" USING {described.index.method} ", len(described.index.name))
    return described.definition[at + 7 :] if at >= 0 else described.definition


def _with_comment(said: str, comment: str | None) -> str:
    """What follows from the structure, and a comment where it is not the same."""
    return said if not comment or comment in said else f"{said} ({comment})" if said else comment


def security(document: TableDocument) -> Markup:
    """Whether rows are guarded, and by which policies."""
    table = document.table
    state = "off"
    if table.row_security:
        state = "on, for the owner as well" if table.force_row_security else "on"
    said = f"Row-level security is {state}."
    if table.row_security and not document.policies:
        said += " There is no policy: nobody but roles that it does not bind sees a row."
    if document.policies and not table.row_security:
        said += " The policies below do nothing while it is off."

    def lines() -> Iterator[tuple[str, ...]]:
        for described in document.policies:
            policy = described.policy
            marks = [] if policy.permissive else [mark("restrictive")]
            yield (
                joined([code(policy.name), *marks], " "),
                policy.command,
                codes(policy.roles),
                _condition(("USING", policy.using), ("WITH CHECK", policy.check)),
                _with_comment(described.purpose, policy.comment),
            )

    heads = ("Policy", "Command", "Roles", "Condition", "What it comes to")
    return part("Row-level security", muted(said), grid(heads, lines()))


def _condition(*parts: tuple[str, str | None]) -> Markup:
    """The expressions of a policy, each below the other."""
    return joined(
        element("div", element("code", coloured(f"{word} ({_bare(text)})")))
        for word, text in parts
        if text is not None
    )


def _bare(expression: str) -> str:
    """The expression without the parentheses around all of it, where they are."""
    inside = expression[1:-1]
    depth = lowest = 0
    for letter in re.sub(r"'(?:[^']|'')*'", "", inside):
        depth += (letter == "(") - (letter == ")")
        lowest = min(lowest, depth)
    whole = expression.startswith("(") and expression.endswith(")") and depth == lowest == 0
    return inside if whole else expression


def triggers(document: TableDocument) -> Markup:
    """What happens by itself: triggers and rules."""

    def lines() -> Iterator[tuple[str, ...]]:
        for described in document.triggers:
            trigger = described.trigger
            marks = [] if trigger.enabled == "origin" else [mark(trigger.enabled)]
            marks += [mark("constraint")] if trigger.constraint else []
            yield (
                joined([code(trigger.name), *marks], " "),
                f"{trigger.timing} {' OR '.join(trigger.events)}",
                trigger.level,
                code(str(trigger.function)),
                _with_comment(described.purpose, trigger.comment),
            )

    rules = (
        (code(rule.name), element("code", coloured(rule.definition)), rule.comment or "")
        for rule in document.table.rules
    )
    return joined(
        (
            part("Triggers", grid(("Trigger", "When", "For each", "Function", "What it does"), lines())),
            part("Rules", grid(("Rule", "Definition", ""), rules)),
        )
    )


def partitions(document: TableDocument) -> Markup:
    """The partitions, and the key by which rows are put into them."""
    if document.table.partition_key is None:
        return NOTHING
    by = paragraph(f"Partitioned by {document.table.partition_key}.")
    lines = (
        (
            code(str(each.name)),
            element("code", each.partition_bound or ""),
            "?" if each.rows is None else f"{'' if each.rows_exact else '~'}{each.rows:,}",
            "?" if each.total_bytes is None else amount(each.total_bytes),
        )
        for each in document.partitions
    )
    return part("Partitions", by, grid(("Partition", "Holds", "Rows", "Size"), lines, {2, 3}))
