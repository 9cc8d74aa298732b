"""MP309: an extension whose functions and types stand among those of the database's own.

### What fires

An installed extension whose schema is `public`, or one that an API exposes. It is a warning where the
settings say that the schema is exposed, and else a note.

What does not: an extension in a schema of its own, or in `pg_catalog`, as `plpgsql` is.

### Why

What is in an exposed schema can be called through the API. In `public` an extension's names mix with one's
own: dumps, path settings and privileges cannot treat them apart, and whoever may create in `public` can put
something in their place.

### How to fix it

Move it. An extension that is not relocatable refuses that: drop it and create it again in the other schema,
after what depends on it is out of the way. Settings of `search_path` have to name the new schema.

### Compared with splinter (0014)

- splinter looks at `public` alone, always with a warning.
"""

from collections.abc import Iterator

from migplan.advise.context import Context
from migplan.advise.finding import Finding, Rule
from migplan.level import Level
from migplan.names import quoted

RULE = Rule("MP309", "extension among the database's own objects", Level.WARNING)


def find(context: Context) -> Iterator[Finding]:
    """Yield a finding for each extension."""
    for extension in context.catalog.extensions:
        exposed = extension.schema in context.exposed
        if exposed or extension.schema == "public":
            yield RULE.finding(
                f"extension {quoted(extension.name)}",
                f"it is in the schema {quoted(extension.schema)}"
                + (", which an API exposes with all that it brings" if exposed else ""),
                "CREATE SCHEMA IF NOT EXISTS extensions;\n"
                f"ALTER EXTENSION {quoted(extension.name)} SET SCHEMA extensions;",
                level=RULE.level if exposed else Level.NOTE,
            )
