"""What the role may do, and the roles that the files name."""

from collections.abc import Iterator

from migplan.bundle.manifest import Manifest
from migplan.names import quoted
from migplan.run.preflight.obstacle import Obstacle, stop, warn
from migplan.run.preflight.roles import mapped, roles
from migplan.run.preflight.target import Target
from migplan.run.preflight.wants import LEFT_OUT, Wants
from migplan.text.wording import listed

JOURNAL = "migplan"
"""The schema in which a run is recorded."""

_SCHEMAS = """
SELECT n.nspname::text,
       pg_catalog.has_schema_privilege(n.oid, 'CREATE'),
       pg_catalog.pg_has_role(n.nspowner, 'USAGE'),
       pg_catalog.pg_get_userbyid(n.nspowner)::text
FROM pg_catalog.pg_namespace n WHERE n.nspname = ANY (%s)
"""
_MAY_BE = """
SELECT r.rolname::text FROM pg_catalog.pg_roles r
WHERE r.rolname = ANY (%s) AND NOT pg_catalog.pg_has_role(r.oid, %s)
"""
_MAY_OWN = """
SELECT w.role, w.schema
FROM unnest(%s::text[], %s::text[], %s::bool[]) w (role, schema, granted)
JOIN pg_catalog.pg_roles r ON r.rolname = w.role
JOIN pg_catalog.pg_namespace n ON n.nspname = w.schema
WHERE NOT pg_catalog.has_schema_privilege(r.oid, n.oid, 'CREATE')
  AND NOT (w.granted AND pg_catalog.pg_has_role(n.nspowner, 'USAGE'))  -- the files grant it before
"""


def privileges(target: Target, manifest: Manifest, wants: Wants) -> Iterator[Obstacle]:
    """Yield what the role may not do; a superuser may do everything, and only roles can be missing."""
    yield from roles(target, manifest, wants)
    if target.role.superuser:
        return
    yield from _schemas(target, wants)
    yield from _owners(target, wants)
    yield from _superusers(target, wants)


def _schemas(target: Target, wants: Wants) -> Iterator[Obstacle]:
    role = target.role.name
    looked_at = wants.schemas | wants.altered_schemas | wants.granted_schemas | {JOURNAL}
    found = {row[0]: row[1:] for row in target.ask("schemas", _SCHEMAS, [sorted(looked_at)])}
    new = sorted(wants.new_schemas - found.keys())
    if not target.may_create_schemas and (new or wants.publications):
        things = f"schemas {listed(new, 10)}" if new else "publications"
        yield stop(
            "role",
            f"{role} may not create anything in the database itself, and the files create {things}",
            f"GRANT CREATE ON DATABASE {quoted(target.database)} TO {quoted(role)}",
        )
    if JOURNAL not in found and not target.may_create_schemas:
        yield stop(
            "journal",
            f"the run is recorded in a schema {JOURNAL}, and {role} may not create one",
            f"CREATE SCHEMA {JOURNAL} AUTHORIZATION {quoted(role)}, by the owner of the database",
        )
    for name, (may_create, owns, owner) in sorted(found.items()):
        if not may_create and (name in wants.schemas or name == JOURNAL):
            yield stop(
                "journal" if name == JOURNAL else "role",
                f"{role} may not create anything in schema {quoted(name)}",
                f"GRANT CREATE, USAGE ON SCHEMA {quoted(name)} TO {quoted(role)}, by its owner {owner}",
            )
        if not owns and name in wants.altered_schemas:
            yield stop(
                "role",
                f"the files change the owner or the comment of schema {quoted(name)}, which is {owner}'s",
                "export with --no-owner, or --without SCHEMA, or have it done by its owner",
            )
        elif not owns and name in wants.granted_schemas:
            yield warn(
                "role",
                f"privileges on schema {quoted(name)} will not be granted: it is {owner}'s",
                "have them granted by its owner afterwards, as the files say",
            )


def _owners(target: Target, wants: Wants) -> Iterator[Obstacle]:
    how = "SET" if target.major >= 16 else "MEMBER"
    owners = sorted(wants.owners - {target.role.name})
    refused = [name for (name,) in target.ask("roles", _MAY_BE, [owners, how])]
    if refused:
        yield stop(
            "roles",
            f"{target.role.name} may not make {listed(refused, 10)} the owner of anything, because it is no "
            "member",
            f"GRANT {', '.join(map(quoted, refused))} TO {quoted(target.role.name)}; "
            f"or export with --no-owner, or {mapped(refused, target.role.name)}",
        )
    pairs = sorted(pair for pair in wants.owners_in if pair[0] not in refused)
    granted = [pair in wants.creators for pair in pairs]
    wanted = [[role for role, _ in pairs], [schema for _, schema in pairs], granted]
    for role, schema in target.ask("roles", _MAY_OWN, wanted):
        if role == target.role.name:
            continue  # said above, of everything that is created there
        yield stop(
            "roles",
            f"{role} will own something in schema {quoted(schema)}, and may not create anything there",
            f"GRANT CREATE ON SCHEMA {quoted(schema)} TO {quoted(role)}; or export with --no-owner",
        )


def _superusers(target: Target, wants: Wants) -> Iterator[Obstacle]:
    """Yield what is for superusers, and what a managed host lets others do, or has in its place."""
    platform, role = target.platform, target.role
    allowed = sorted(what for what in wants.superuser if what in set(platform.allows))
    if allowed:
        yield warn(
            "role",
            f"{listed(allowed, 10)} are for superusers elsewhere; on {platform.title} its administrators may "
            f"create them, and {role.name} has to be one",
        )
    known = {str(act): instead for act, instead in platform.instead.items()}
    for what in sorted(wants.superuser.keys() & known.keys() - set(allowed)):
        yield stop("role", f"the files have {what}, which {platform.title} does not allow", known[what])
    others = sorted(wants.superuser.keys() - known.keys() - set(allowed))
    if not others:
        return
    what = f"the files have what only a superuser may create: {listed(others, 10)}"
    without = [LEFT_OUT[each] for each in others if each in LEFT_OUT]
    do = "run as a superuser" + f", or export with {' '.join(without)}" * (without != [])
    if role.hosted:
        yield warn("role", f"{what}; whether this host lets {role.name} do it cannot be asked", do)
    else:
        yield stop("role", what, do)
