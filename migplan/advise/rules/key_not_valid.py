"""MP102: a key that was never checked promises nothing about the rows that are there."""

from collections.abc import Iterator

from migplan.advise.finding import Finding, Level, Rule
from migplan.advise.seen import Seen
from migplan.names import quoted

RULE = Rule("MP102", "foreign key not validated", Level.WARNING)


def find(seen: Seen) -> Iterator[Finding]:
    """A finding a key that is NOT VALID or NOT ENFORCED."""
    for key in seen.catalog.foreign_keys:
        what = f"{key.table}.{quoted(key.name)}"
        if not key.enforced:
            yield RULE.finding(what, "NOT ENFORCED: the server never checks it")
        elif not key.validated:
            yield RULE.finding(
                what,
                "NOT VALID: rows from before it was made may refer to nothing",
                f"ALTER TABLE {key.table} VALIDATE CONSTRAINT {quoted(key.name)};",
            )
