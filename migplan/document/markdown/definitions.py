"""A table's constraints and indexes as SQL."""

from migplan.catalog.model import Check, ForeignKey, Key, Table
from migplan.document.model import DescribedIndex
from migplan.names import quoted


def foreign_key(key: ForeignKey) -> str:
    """Return a foreign key as SQL."""
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


def key(found: Key) -> str:
    """Return a primary or unique key as SQL, without its name."""
    kind = "PRIMARY KEY" if found.primary else "UNIQUE"
    nulls = " NULLS NOT DISTINCT" if found.nulls_not_distinct else ""
    columns = ", ".join(map(quoted, found.columns)) + (" WITHOUT OVERLAPS" if found.without_overlaps else "")
    deferring = _deferring(deferrable=found.deferrable, deferred=found.initially_deferred)
    return f"{kind}{nulls} ({columns})" + (f" {deferring}" if deferring else "")


def constraints(table: Table) -> list[str]:
    """Return what else rows have to obey: unique keys, checks, exclusions."""
    unique = [f"{_named(each.name)}{key(each)}" for each in table.unique_keys]
    return unique + [_check(each) for each in (*table.checks, *table.exclusions)]


def _check(check: Check) -> str:
    # The server's own definition says already what is not checked; older catalogs may leave it out.
    late = "" if check.validated or "NOT VALID" in check.definition else " NOT VALID"
    return f"{_named(check.name)}{check.definition}{late if check.enforced else ''}"


def index(described: DescribedIndex) -> str:
    """Return an index as SQL, with what it serves in comments."""
    found = described.index
    lines = [ended(described.definition)]
    if found.constraint:
        lines.insert(0, f"-- of the constraint {_one_line(quoted(found.constraint))}")
    lines += [f"-- Serves: {_one_line(each)}" for each in described.serves]
    if not found.valid:
        lines.append("-- INVALID: it is not used, and costs each write all the same")
    if found.comment:
        lines.append(f"-- {_one_line(found.comment)}")
    return "\n".join(lines)


def _one_line(value: str) -> str:
    """Return what can go into a comment of SQL, which a new line would end."""
    return " ".join(value.split())


def ended(statement: str) -> str:
    """Return a statement with its semicolon."""
    return statement if statement.rstrip().endswith(";") else f"{statement.rstrip()};"


def _named(name: str) -> str:
    return f"CONSTRAINT {quoted(name)}\n  "


def _deferring(*, deferrable: bool, deferred: bool) -> str:
    if not deferrable:
        return ""
    return f"DEFERRABLE INITIALLY {'DEFERRED' if deferred else 'IMMEDIATE'}"
