"""MP105: an index whose building failed costs every write and serves no read."""

from collections.abc import Iterator

from migplan.advise.finding import Finding, Level, Rule
from migplan.advise.seen import Seen
from migplan.names import QualifiedName

RULE = Rule("MP105", "invalid index", Level.WARNING)


def find(seen: Seen) -> Iterator[Finding]:
    """A finding an index."""
    for table in seen.catalog.tables:
        for index in table.indexes:
            if not index.valid:
                name = QualifiedName(table.name.schema, index.name)
                yield RULE.finding(
                    f"{name} on {table.name}",
                    "it was never finished, and no query uses it",
                    f"REINDEX INDEX CONCURRENTLY {name};",
                )
