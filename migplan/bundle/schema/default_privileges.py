"""What a target's own default privileges give to new objects, and must be taken away from them again.

Where the target provides something, it may have default privileges before the bundle comes: those of the
source, or those that every database of its platform begins with. The source's owner may have revoked theirs
since; the platform's roles still have them, and tell what such a target gives. pg_dump grants what an object
has, and takes nothing back: for it these come last.
"""

from collections.abc import Iterable, Iterator, Mapping

from migplan.bundle.schema.roles import Owners
from migplan.catalog.model import Catalog, Grant
from migplan.catalog.provided import Provided
from migplan.names import QualifiedName, quoted, quoted_list
from migplan.postgres.archive import ROUTINES, Entry

_KINDS: Mapping[str, tuple[str, str, str]] = {  # its grants' kind, its defaults', GRANT's word
    **dict.fromkeys(("TABLE", "FOREIGN TABLE"), ("table", "tables", "TABLE")),
    **dict.fromkeys(("VIEW", "MATERIALIZED VIEW"), ("view", "tables", "TABLE")),
    "SEQUENCE": ("sequence", "sequences", "SEQUENCE"),
    **dict.fromkeys(("FUNCTION", "AGGREGATE"), ("function", "functions", "FUNCTION")),
    "PROCEDURE": ("function", "functions", "PROCEDURE"),
    **dict.fromkeys(("TYPE", "DOMAIN"), ("type", "types", "TYPE")),
    "SCHEMA": ("schema", "schemas", "SCHEMA"),
}


def revocations(
    entries: Iterable[Entry], catalog: Catalog, provided: Provided, owners: Owners
) -> dict[int, str]:
    """Return, by entry, what takes back what default privileges give it beyond what it has in the source.

    ``catalog`` is that of the whole source: the default privileges of roles that are ``provided`` count for
    every owner.
    """
    defaults = [grant for grant in catalog.grants if grant.kind == "default privileges" and grant.privileges]
    held: dict[tuple[str, str, str], list[Grant]] = {}
    for grant in catalog.grants:
        held.setdefault((grant.kind, grant.schema, grant.object), []).append(grant)
    found = {}
    for entry in entries if defaults else ():
        if entry.kind in _KINDS:
            ours = [each for each in defaults if each.of_role == entry.owner or provided.role(each.of_role)]
            roles = sorted(set(_too_much(entry, ours, held)))
            if roles and (name := _named(entry)):
                named = quoted_list(owners.roles.get(role, role) for role in roles)
                found[entry.id] = f"REVOKE ALL ON {_KINDS[entry.kind][2]} {name} FROM {named};"
    return found


def _too_much(
    entry: Entry, defaults: Iterable[Grant], held: Mapping[tuple[str, str, str], Iterable[Grant]]
) -> Iterator[str]:
    """Yield the roles to which a default gives more than the object in the source gives them."""
    kind, plural, _ = _KINDS[entry.kind]
    schema = entry.tag if kind == "schema" else entry.schema
    name = "" if kind == "schema" else entry.tag.partition("(")[0] if kind == "function" else entry.tag
    there = held.get((kind, schema, name), ())
    for default in defaults:
        if default.object != plural or default.schema not in ("", schema):
            continue
        if default.grantee in ("public", "(owner)", entry.owner):
            continue
        grants = [
            grant for grant in there if grant.grantee == default.grantee and not _is_other(grant, entry)
        ]
        if not any(set(default.privileges) <= set(grant.privileges) for grant in grants):
            yield default.grantee


def _is_other(grant: Grant, entry: Entry) -> bool:
    """Return whether a privilege is one on another function of that name."""
    if grant.kind != "function":
        return False
    types, arguments = entry.tag.partition("(")[2].removesuffix(")").split(","), grant.part.split(",")
    # Where the two cannot be told to be one, what is taken away comes again by the privileges of its own.
    return len(types) != len(arguments) or not all(
        argument.strip().endswith(type_.strip()) for argument, type_ in zip(arguments, types, strict=True)
    )


def _named(entry: Entry) -> str:
    if entry.kind in ROUTINES:
        return entry.drop.strip().partition(f"DROP {entry.kind} ")[2].removesuffix(";")
    return quoted(entry.tag) if entry.kind == "SCHEMA" else str(QualifiedName(entry.schema, entry.tag))
