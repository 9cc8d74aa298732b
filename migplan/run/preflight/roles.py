"""The roles that the files name: which are missing, who may make them, and how others differ."""

from collections.abc import Iterator, Sequence
from shlex import quote

from migplan.bundle.manifest import Manifest, NeededRole
from migplan.bundle.schema.role_file import (
    FAR_REACHING,
    FILE,
    by_hand,
    differences,
    grant_membership,
    is_member,
    unexpected,
)
from migplan.catalog.roles import PREDEFINED, Roles, question_of_memberships, question_of_roles, roles_of
from migplan.names import quoted
from migplan.run.preflight.obstacle import Obstacle, stop, warn
from migplan.run.preflight.target import Target
from migplan.run.preflight.wants import Wants
from migplan.text.wording import listed

_MAY_CREATE = "SELECT r.rolsuper OR r.rolcreaterole FROM pg_catalog.pg_roles r WHERE r.rolname = current_user"
_CLOSED = """
SELECT n.nspname::text, pg_catalog.pg_get_userbyid(n.nspowner)::text FROM pg_catalog.pg_namespace n
WHERE n.nspname = ANY (%s) AND NOT pg_catalog.has_schema_privilege('public', n.oid, 'CREATE')
"""
_MAY_GRANT = """
SELECT r.rolname::text FROM pg_catalog.pg_roles r
WHERE r.rolname = ANY (%s) AND NOT pg_catalog.pg_has_role(r.oid, 'MEMBER WITH ADMIN OPTION')
"""


def roles(target: Target, manifest: Manifest, wants: Wants) -> Iterator[Obstacle]:
    """Yield what is wrong with roles, with the statements that make right what is."""
    needed = {role.name: role for role in manifest.needed_roles}
    made = {role.name for role in manifest.made_roles}
    names = sorted(wants.roles.keys() | needed.keys())
    question = question_of_memberships(target.version)
    there = roles_of(
        target.ask("roles", question_of_roles(), [names]), target.ask("roles", question, [names, names])
    )
    known = there.by_name
    missing = [
        needed.get(name) or NeededRole(name=name, why=tuple(sorted(wants.roles[name])))
        for name in sorted(wants.roles.keys() | made)
        if name not in known
    ]
    left = [role for role in missing if role.name not in made]
    if left:
        yield _missing(target, manifest, wants, left)
    yield from _in_new_schemas(target, manifest, wants, there)
    ours = [role for role in missing if role.name in made]
    if ours and target.ask("roles", _MAY_CREATE) != [(True,)]:
        yield _may_not_create(target, manifest, ours)
    elif made:
        yield from _may_not_own(target, manifest, wants, ours)
        yield from _memberships(target, manifest, {role.name for role in ours}, there)
        yield from _far_reaching(target, manifest, ours, there)
    if made:
        yield from _different(manifest, there)


def _missing(target: Target, manifest: Manifest, wants: Wants, missing: Sequence[NeededRole]) -> Obstacle:
    closed = _closed(target, manifest, wants, missing)
    opened = "".join(f"\n       {_opened(*each)}" for each in closed)
    reasons = sorted({why for role in missing for why in wants.roles.get(role.name, role.why)})
    return stop(
        "roles",
        f"the files name roles that are not there, for {', '.join(reasons)}: "
        + listed([role.name for role in missing], 10),
        f"make them:{_statements(target, manifest, missing)}{opened}\n"
        f"       or export --with-roles, which makes them by {FILE}; or with --no-owner and "
        f"--no-privileges, or {mapped([role.name for role in missing], target.role.name)}",
    )


def mapped(roles: Sequence[str], instead: str) -> str:
    """Return the options that put another role in the place of some."""
    return " ".join(f"--role {quote(f'{role}={instead}')}" for role in roles)


def _may_not_create(target: Target, manifest: Manifest, missing: Sequence[NeededRole]) -> Obstacle:
    who = target.role.name
    return stop(
        "roles",
        f"{FILE} makes {listed([role.name for role in missing], 10)}, and {who} may not create roles",
        f"have an administrator do one of the two: ALTER ROLE {quoted(who)} CREATEROLE; or make them:"
        + _statements(target, manifest, missing),
    )


def _may_not_own(
    target: Target, manifest: Manifest, wants: Wants, missing: Sequence[NeededRole]
) -> Iterator[Obstacle]:
    """Yield which roles, as they will be made, may own nothing in a schema that is there."""
    for role, schema, owner in _closed(target, manifest, wants, missing):
        yield stop(
            "roles",
            f"{role.name} will own something in schema {quoted(schema)}, and may create nothing in it",
            f"make it before, with that privilege:{_statements(target, manifest, [role])}\n"
            f"       {_opened(role, schema, owner)}\n"
            "       or export with --no-owner",
        )


def _in_new_schemas(target: Target, manifest: Manifest, wants: Wants, there: Roles) -> Iterator[Obstacle]:
    """Yield which roles may own nothing in a schema that the files create, for want of CREATE in it."""
    if target.role.superuser:
        return
    # Who is a member of others may be allowed by them, and a superuser by nobody.
    allowed = {each.member for each in manifest.memberships} | {each.member for each in there.memberships}
    allowed |= {role.name for role in there.roles if "SUPERUSER" in role.privileged}
    for role, schema in sorted(wants.owners_in - wants.creators):
        if schema not in wants.new_schemas or ("", schema) in wants.creators or role in allowed:
            continue
        if role == target.role.name and not any(each == schema for _, each in wants.creators):
            continue  # who creates a schema owns it, if nobody else is to
        yield stop(
            "roles",
            f"{role} will own something in schema {quoted(schema)}, which the files create, and which they "
            "give it no right to create anything in",
            f"GRANT CREATE ON SCHEMA {quoted(schema)} TO {quoted(role)} in the source, and export again; or "
            "run as a superuser, or export with --no-owner",
        )


def _closed(
    target: Target, manifest: Manifest, wants: Wants, missing: Sequence[NeededRole]
) -> Iterator[tuple[NeededRole, str, str]]:
    """Yield roles that cannot own what they are to own in a schema that is there, and the schema's owner.

    A superuser gives them things all the same.
    """
    if target.role.superuser:
        return
    # Who is a member of others may be allowed by them.
    members = {each.member for each in manifest.memberships if not each.of.startswith(PREDEFINED)}
    names = {role.name for role in missing} - members
    pairs = {pair for pair in wants.owners_in - wants.creators if pair[0] in names}
    closed = dict(target.ask("schemas", _CLOSED, [sorted({schema for _, schema in pairs})]))
    for role in missing:
        for schema in sorted(schema for name, schema in pairs if name == role.name and schema in closed):
            yield role, schema, closed[schema]


def _opened(role: NeededRole, schema: str, owner: str) -> str:
    return f"GRANT CREATE ON SCHEMA {quoted(schema)} TO {quoted(role.name)};  -- by {owner}, its owner"


def _statements(target: Target, manifest: Manifest, missing: Sequence[NeededRole]) -> str:
    """Return statements to paste, a line each; who logs in gets a password by hand."""
    who = "" if target.role.superuser else target.role.name
    lines = list(by_hand(missing, manifest.memberships, who, target.major))
    logins = [role.name for role in missing if role.login]
    if logins:
        lines.append(f"-- and a password for who logs in: {listed(logins, 10)}")
    return "".join(f"\n       {line}" for line in lines)


def _memberships(target: Target, manifest: Manifest, missing: set[str], there: Roles) -> Iterator[Obstacle]:
    """Yield which memberships the role may not grant: since 16 that takes ADMIN, but for a superuser."""
    if target.role.superuser:
        return
    here = there.by_name
    wanted = [each for each in manifest.memberships if missing & {each.of, each.member}]
    theirs = sorted({each.of for each in wanted if each.of not in missing})
    if target.major < 16:
        refused = {name for name in theirs if name in here and "SUPERUSER" in here[name].privileged}
    else:
        refused = {name for (name,) in target.ask("roles", _MAY_GRANT, [theirs])}
    lost = [each for each in wanted if each.of in refused]
    if lost:
        yield warn(
            "roles",
            f"{target.role.name} may not make members of {listed(sorted(refused), 10)}: "
            + listed([f"{each.member} in {each.of}" for each in lost], 10),
            "have it done afterwards by who may: "
            + " ".join(grant_membership(e, target.major) for e in lost),
        )


def _far_reaching(
    target: Target, manifest: Manifest, missing: Sequence[NeededRole], there: Roles
) -> Iterator[Obstacle]:
    """Yield what roles get that reaches beyond the database, and who is made no member for its sake."""
    given = {role.name: [each for each in role.privileged if each in FAR_REACHING] for role in missing}
    if target.role.superuser and any(given.values()):
        yield warn(
            "roles",
            f"{FILE} makes roles that reach beyond this database, as in the source: "
            + listed([f"{name} ({', '.join(each)})" for name, each in given.items() if each], 10),
            "if they should not, make them yourself before, without these attributes; a role that is there "
            "stays as it is",
        )
    names = {role.name for role in missing}
    for each in manifest.memberships:
        if each.member in names and (more := unexpected(each, manifest.needed_roles, there)):
            yield warn(
                "roles",
                f"{each.member} is not made a member of {each.of}, which has {', '.join(more)} here, and "
                "not in the source",
                f"if it is to be one all the same, have it done afterwards: "
                f"{grant_membership(each, target.major)}",
            )


def _different(manifest: Manifest, there: Roles) -> Iterator[Obstacle]:
    """Yield how roles that are there already differ from the source's: they stay as they are."""
    known = there.by_name
    found = [
        f"{role.name} ({', '.join(said)})"
        for role in manifest.made_roles
        if role.name in known and (said := differences(role, there))
    ]
    members = [
        each
        for each in manifest.memberships
        if each.of in known and each.member in known and not is_member(each, there)
    ]
    if found:
        yield warn("roles", f"roles that are there already stay as they are, and differ: {listed(found, 10)}")
    if members:
        yield warn(
            "roles",
            "roles that are there already stay as they are, and are no members as in the source: "
            + listed([f"{each.member} in {each.of}" for each in members], 10),
        )
