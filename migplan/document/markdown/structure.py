"""What a table is: its columns, keys, indexes, policies, triggers and partitions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from migplan.catalog.model import Check, Column, ForeignKey, Key, Table
from migplan.document.markdown import wording
from migplan.document.markdown.book import Book, title
from migplan.document.model import DescribedIndex, TableDocument
from migplan.names import quoted
from migplan.text import markdown
from migplan.text.markdown import code, text

SHOWN_LABELS = 20


def schema(document: TableDocument, book: Book) -> Iterator[str]:
    """Every column, with what is said of it."""
    yield from markdown.heading(3, "Schema")
    if not document.table.columns:
        yield from markdown.block("The table has no columns.")
        return
    here = book.page_of[document.name]
    yield from markdown.table(
        ("Column", "Type", "Default", "Nullable", "Description"),
        (
            (
                code(quoted(column.name)),
                code(column.type),
                _default(column),
                "NO" if column.not_null else "YES",
                _description(column, document.table, book, here),
            )
            for column in document.table.columns
        ),
    )


def primary_key(document: TableDocument, _book: Book) -> Iterator[str]:
    """The primary key as SQL."""
    yield from markdown.heading(3, "Primary Key")
    key = document.table.primary_key
    if key:
        yield from markdown.fence(_key(key))
    else:
        yield from markdown.block("None. Rows cannot be told apart by a key.")


def foreign_keys(document: TableDocument, book: Book) -> Iterator[str]:
    """The keys of the table, and those that lead to it."""
    here = book.page_of[document.name]
    yield from markdown.heading(3, "Foreign Keys")
    yield from markdown.heading(4, "Outgoing (Dependencies)")
    keys = document.table.foreign_keys
    if keys:
        yield from markdown.fence("\n\n".join(map(foreign_key, keys)))
        needed = sorted({key.referenced for key in keys})
        yield from markdown.block(f"Leads to {book.to_tables(needed, here)}.")
    else:
        yield from markdown.block("None: this table refers to no other.")
    yield from markdown.heading(4, "Incoming (Referenced By)")
    if document.incoming:
        yield from markdown.table(
            ("Table", "Columns", "Refers to", "ON DELETE", "ON UPDATE"),
            (
                (
                    book.to_table(key.table, here),
                    _columns(key.columns),
                    _columns(key.referenced_columns),
                    key.on_delete,
                    key.on_update,
                )
                for key in document.incoming
            ),
        )
    else:
        yield from markdown.block("None: no other table refers to this one.")


def rules_of_rows(document: TableDocument, _book: Book) -> Iterator[str]:
    """What else rows have to obey: unique keys, checks, exclusions."""
    table = document.table
    lines = [f"{_named(key.name)}{_key(key)}" for key in table.unique_keys]
    lines += [_check(check) for check in (*table.checks, *table.exclusions)]
    if lines:
        yield from markdown.heading(3, "Unique Keys, Checks, Exclusions")
        yield from markdown.fence("\n\n".join(lines))


def indexes(document: TableDocument, _book: Book) -> Iterator[str]:
    """Every index with what it serves."""
    yield from markdown.heading(3, "Indexes")
    if document.indexes:
        yield from markdown.fence("\n\n".join(map(_index, document.indexes)))
    else:
        yield from markdown.block("No indexes.")


def policies(document: TableDocument, _book: Book) -> Iterator[str]:
    """Row-level security, and each policy."""
    table = document.table
    yield from markdown.heading(3, "RLS Policies")
    forced = ", also for the owner of the table (FORCE)" if table.force_row_security else ""
    yield from markdown.block(f"**RLS Enabled:** {f'✅ Yes{forced}' if table.row_security else '⚠️ No'}")
    if table.row_security and not document.policies:
        yield from markdown.block("No policies: nobody but the owner, and who bypasses RLS, sees a row.")
    if document.policies and not table.row_security:
        yield from markdown.block("The policies below have no effect while RLS is off.")
    for described in document.policies:
        policy = described.policy
        yield from markdown.heading(4, f"Policy: {text(policy.name)}")
        yield from markdown.table(
            ("Command", "Roles", "Kind"),
            [
                (
                    policy.command,
                    ", ".join(map(code, policy.roles)),
                    "permissive" if policy.permissive else "restrictive",
                )
            ],
        )
        yield from markdown.fence(described.definition)
        yield from markdown.block(f"**Purpose:** {text(described.purpose)}")
        yield from _said(policy.comment)


def triggers(document: TableDocument, _book: Book) -> Iterator[str]:
    """Triggers and rewrite rules."""
    yield from markdown.heading(3, "Triggers")
    if not document.triggers:
        yield from markdown.block("No triggers.")
    for described in document.triggers:
        trigger = described.trigger
        state = "" if trigger.enabled == "origin" else f", {trigger.enabled}"
        yield from markdown.heading(4, f"Trigger: {text(trigger.name)}")
        yield from markdown.fence(_ended(trigger.definition))
        events = " or ".join(trigger.events)
        yield from markdown.block(
            f"{text(trigger.timing)} {text(events)}, each {text(trigger.level.lower())}, "
            f"by {code(str(trigger.function) + '()')}{text(state)}."
        )
        if described.purpose:
            yield from markdown.block(f"**Purpose:** {text(described.purpose)}")
        yield from _said(trigger.comment)
    if document.table.rules:
        yield from markdown.heading(4, "Rewrite rules")
        yield from markdown.fence("\n\n".join(_ended(rule.definition) for rule in document.table.rules))


def partitions(document: TableDocument, _book: Book) -> Iterator[str]:
    """The partitions, if the table has any."""
    if not document.table.partition_key and not document.partitions:
        return
    yield from markdown.heading(3, "Partitions")
    yield from markdown.block(f"Partitioned by {code(document.table.partition_key or '')}.")
    if document.partitions:
        yield from markdown.table(
            ("Partition", "Bound", "Rows", "Total Size"),
            (
                (
                    code(title(part.name)),
                    code(part.partition_bound or ""),
                    "?" if part.rows is None else f"{'' if part.rows_exact else '~'}{part.rows:,}",
                    wording.size(part.total_bytes),
                )
                for part in document.partitions
            ),
            align="--rr",
        )
    else:
        yield from markdown.block("There is no partition: no row can be written.")


def foreign_key(key: ForeignKey) -> str:
    """A foreign key as SQL."""
    columns, referenced = list(map(quoted, key.columns)), list(map(quoted, key.referenced_columns))
    if key.period:
        columns[-1], referenced[-1] = f"PERIOD {columns[-1]}", f"PERIOD {referenced[-1]}"
    nulled = f" ({', '.join(map(quoted, key.on_delete_columns))})" if key.on_delete_columns else ""
    traits = [
        "" if key.match == "SIMPLE" else f"MATCH {key.match}",
        f"ON DELETE {key.on_delete}{nulled}",
        f"ON UPDATE {key.on_update}",
        _deferring(deferrable=key.deferrable, deferred=key.initially_deferred),
        "" if key.enforced else "NOT ENFORCED",
        "" if key.validated or not key.enforced else "NOT VALID",
    ]
    first = (
        f"{_named(key.name)}FOREIGN KEY ({', '.join(columns)}) "
        f"REFERENCES {key.referenced} ({', '.join(referenced)})"
    )
    return "\n  ".join((first, *filter(None, traits)))


def _default(column: Column) -> str:
    if column.generated:
        return f"generated: {code(column.default or '')}"
    if column.identity:
        return "identity"
    return code(column.default) if column.default is not None else "-"


def _description(column: Column, table: Table, book: Book, here: str) -> str:
    said = [text(column.comment)] if column.comment else []
    if table.primary_key and column.name in table.primary_key.columns:
        said.append("Primary key.")
    said += [
        f"Refers to {book.to_table(key.referenced, here)}."
        for key in table.foreign_keys
        if column.name in key.columns
    ]
    if column.identity:
        said.append(f"Generated {column.identity} as identity.")
    if column.generated:
        said.append(f"Generated always, {column.generated}.")
    enum = book.enums.get(column.type.removesuffix("[]"))
    if enum:
        more = len(enum.definition) - SHOWN_LABELS
        rest = f" and {more:,} more" if more > 0 else ""
        said.append(f"One of {', '.join(map(code, enum.definition[:SHOWN_LABELS]))}{rest}.")
    if column.collation:
        said.append(f"Collation {code(column.collation)}.")
    return " ".join(said)


def _key(key: Key) -> str:
    kind = "PRIMARY KEY" if key.primary else "UNIQUE"
    nulls = " NULLS NOT DISTINCT" if key.nulls_not_distinct else ""
    columns = ", ".join(map(quoted, key.columns)) + (" WITHOUT OVERLAPS" if key.without_overlaps else "")
    deferring = _deferring(deferrable=key.deferrable, deferred=key.initially_deferred)
    return f"{kind}{nulls} ({columns})" + (f" {deferring}" if deferring else "")


def _check(check: Check) -> str:
    # The server's own definition says already what is not checked; older catalogs may leave it out.
    late = "" if check.validated or "NOT VALID" in check.definition else " NOT VALID"
    return f"{_named(check.name)}{check.definition}{late if check.enforced else ''}"


def _index(described: DescribedIndex) -> str:
    index = described.index
    lines = [_ended(described.definition)]
    if index.constraint:
        lines.insert(0, f"-- of the constraint {_one_line(quoted(index.constraint))}")
    lines += [f"-- Serves: {_one_line(each)}" for each in described.serves]
    if not index.valid:
        lines.append("-- INVALID: it is not used, and costs each write all the same")
    if index.comment:
        lines.append(f"-- {_one_line(index.comment)}")
    return "\n".join(lines)


def _one_line(value: str) -> str:
    """What goes into a comment of SQL, which a new line would end."""
    return " ".join(value.split())


def _ended(statement: str) -> str:
    return statement if statement.rstrip().endswith(";") else f"{statement.rstrip()};"


def _named(name: str) -> str:
    return f"CONSTRAINT {quoted(name)}\n  "


def _deferring(*, deferrable: bool, deferred: bool) -> str:
    if not deferrable:
        return ""
    return f"DEFERRABLE INITIALLY {'DEFERRED' if deferred else 'IMMEDIATE'}"


def _columns(names: Sequence[str]) -> str:
    return ", ".join(code(quoted(name)) for name in names)


def _said(comment: str | None) -> Iterator[str]:
    if comment:
        yield from markdown.prose(comment)
