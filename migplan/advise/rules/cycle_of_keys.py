"""MP101: tables that need each other cannot be loaded by order alone."""

from collections.abc import Iterator

from migplan.advise.finding import Finding, Level, Rule
from migplan.advise.seen import Seen

RULE = Rule("MP101", "cycle of foreign keys", Level.WARNING)


def find(seen: Seen) -> Iterator[Finding]:
    """A finding a cycle."""
    for cycle in seen.graph.cycles:
        names = ", ".join(key.name for hop in cycle.keys for key in hop)
        yield RULE.finding(
            str(cycle),
            f"by the keys {names}: no order alone loads them",
        )
