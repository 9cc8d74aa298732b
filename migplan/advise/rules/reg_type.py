"""MP401: columns of some reg* types keep pg_upgrade from upgrading the server.

### What fires

A column of an ordinary or partitioned table whose type is `regcollation`, `regconfig`, `regdictionary`,
`regnamespace`, `regoper`, `regoperator`, `regproc` or `regprocedure`; an array of one; or a domain, range or
composite type that is made of one, at any distance.

What does not: `regclass`, `regrole` and `regtype`, whose numbers pg_upgrade keeps; columns of views;
expressions.

### Why

Such a value is stored as the number of an object in the catalogs, and numbers change when pg_upgrade makes
them anew. It refuses to begin while there is such a column. Dumps write names, and so load where the name is
known.

### How to fix it

Store the name as text, and cast it where it is used. Under a search path that does not find the object, the
text has its schema in it. For arrays, domains and composite types there is no SQL: they have to be changed
first.

### Compared with splinter (0018)

- splinter looks at a column's own type only; pg_upgrade, and this rule, look into arrays, domains, ranges and
  composite types as well.
- splinter reports a column once more for each partition and each table that inherits it; here it is one
  finding.
- splinter also reports the columns of views, of foreign tables, of indexes and of composite types by
  themselves, which store nothing, or nothing more.
- splinter looks at the tables of extensions, except for those in the schema `pgsodium`; here they are the
  extension's affair.
"""

from collections.abc import Iterator

from migplan.advise.context import Context, retype
from migplan.advise.finding import Finding, Rule, Subject
from migplan.catalog.model import Catalog, Type
from migplan.level import Level

RULE = Rule("MP401", "type that cannot be upgraded", Level.WARNING)

NOT_UPGRADABLE = frozenset(
    """
    regcollation regconfig regdictionary regnamespace regoper regoperator regproc regprocedure
    """.split()  # noqa: SIM905 - eight names are read more easily like this
)


def find(context: Context) -> Iterator[Finding]:
    """Yield a finding for each column."""
    refused = _refused(context.catalog)
    for table, column in context.stored_columns:
        if column.type.removesuffix("[]") not in refused:
            continue
        fix = retype(table, column, "text", "::text") if column.type in NOT_UPGRADABLE else ""
        yield RULE.finding(
            Subject.column(table.name, column.name),
            f"pg_upgrade refuses a database with a column of type {column.type}",
            fix,
        )


def _refused(catalog: Catalog) -> frozenset[str]:
    """The types, and those that are made of them."""
    refused = set(NOT_UPGRADABLE)
    while new := {
        str(type_.name)
        for type_ in catalog.types
        if str(type_.name) not in refused
        and any(part.removesuffix("[]") in refused for part in _made_of(type_))
    }:
        refused |= new
    return frozenset(refused)


def _made_of(type_: Type) -> Iterator[str]:
    if type_.kind in ("domain", "range"):
        yield type_.definition[0]
    elif type_.kind == "composite":
        for attribute in type_.definition:
            # A name, in quotes where it needs them, and the type.
            after_name = (
                attribute.rpartition('" ')[2] if attribute.startswith('"') else attribute.partition(" ")[2]
            )
            yield after_name
