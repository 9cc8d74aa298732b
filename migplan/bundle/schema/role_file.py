"""``00-roles.sql``: the roles that a bundle's files name, made where they are missing, without passwords.

Roles belong to the server, and other databases may use them: one that is there stays as it is, and a rollback
drops only those that the run made. Which these are is remembered while the file runs, in the setting
``migplan.made_roles``, from where a run takes it into its journal.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from migplan.bundle.manifest import NeededMembership, NeededRole
from migplan.bundle.schema.ddl import DEFINING, SESSION, has_owner
from migplan.bundle.schema.roles import FUNCTIONS, Owners, roles_in
from migplan.catalog.roles import PREDEFINED, PRIVILEGED, Membership, Role, Roles, read_roles
from migplan.names import quoted
from migplan.postgres.archive import Entry
from migplan.postgres.session import Session
from migplan.sql.text import literal, one_line
from migplan.text.wording import listed

FILE = "00-roles.sql"
OWNERSHIP, DEFAULTS = "ownership", "default privileges"
KIND = "ROLE"
"""What the manifest calls them: pg_dump has no word, for it leaves them to pg_dumpall."""

FAR_REACHING = {"SUPERUSER": "rolsuper", "REPLICATION": "rolreplication", "BYPASSRLS": "rolbypassrls"}
"""Attributes that reach beyond a database and its rules, and their columns in pg_roles."""
_PLACE = "membership in "
_TAG = "$role$"
_SAID = "coalesce(nullif(pg_catalog.current_setting('migplan.made_roles', true), ''), '[]')::pg_catalog.jsonb"
MADE = (
    f"UPDATE migplan.run SET before = before || pg_catalog.jsonb_build_object('made_roles', {_SAID})\n"  # noqa: S608
    "WHERE kind = 'apply' AND state = 'running';"
)
"""The statement by which a run remembers which roles it made, in the transaction that made them."""


@dataclass(frozen=True, slots=True)
class NeededRoles:
    """The roles that a bundle needs, under their names in the target, and what people should know of them."""

    roles: tuple[NeededRole, ...] = ()
    memberships: tuple[NeededMembership, ...] = ()
    outside: tuple[str, ...] = ()  # roles of the source that are members of these, and are in no file
    beyond: tuple[str, ...] = ()  # these roles as members of others, which are in no file
    settings: tuple[str, ...] = ()  # what ALTER ROLE SET has set, by names alone

    @property
    def notes(self) -> Iterator[str]:
        """What the file does not carry."""
        logins = [role.name for role in self.roles if role.login]
        if logins:
            yield f"{FILE} carries no passwords: set one for each role that logs in: {listed(logins, 10)}"
        given = [f"{role.name} ({', '.join(role.privileged)})" for role in self.roles if role.privileged]
        if given:
            yield (
                "attributes that roles get only where the role that applies the bundle may give them: "
                + listed(given, 10)
            )
        less = [
            f"{role.name} (for {role.renamed_from}: {', '.join(role.left_out)})"
            for role in self.roles
            if role.left_out
        ]
        if less:
            yield f"roles under another name do not get what only some may give: {listed(less, 10)}"
        if self.settings:
            yield f"settings of roles (ALTER ROLE SET) are in no file: {listed(self.settings, 10)}"
        if self.outside:
            yield f"members of these roles that are in no file: {listed(self.outside, 10)}"
        if self.beyond:
            yield f"memberships of these roles in others that are in no file: {listed(self.beyond, 10)}"


def needed_roles(
    session: Session,
    entries: Iterable[Entry],
    owners: Owners,
    named: Mapping[str, Collection[str]],
    is_provided: Callable[[str], bool],
) -> NeededRoles:
    """Return the roles that these entries name, and those in ``named`` with what each is named for."""
    why: dict[str, set[str]] = defaultdict(set)
    for role, reasons in named.items():
        why[role].update(reasons)
    for entry in entries:
        if has_owner(entry) and (owner := owners.of(entry)):
            why[owner].add(OWNERSHIP)
        for role, reason in roles_in(entry, owners):
            why[role].add(reason)
    wanted = {name for name in why if not name.startswith(PREDEFINED) and not is_provided(name)}
    return _in_target(read_roles(session, _sources(wanted, owners)), wanted, why, owners)


def _sources(wanted: Collection[str], owners: Owners) -> set[str]:
    return {*wanted} | {old for old, new in owners.roles.items() if new in wanted}


def _in_target(
    found: Roles, wanted: Collection[str], why: Mapping[str, Collection[str]], owners: Owners
) -> NeededRoles:
    known = found.by_name
    old_of: dict[str, str] = {}
    for name in sorted(known):
        new = owners.roles.get(name, name)
        if new in wanted and (new not in old_of or name == new):
            old_of[new] = name
    for name in known.keys() & wanted:  # functions say their own word, whatever the role is called elsewhere
        if FUNCTIONS in why[name]:
            old_of.setdefault(name, name)
    roles = []
    for name in sorted(wanted):
        role = known.get(old_of.get(name, ""), Role(name, login=False, inherit=True))
        # A name that only a function mentions is a role only if the source has one of that name.
        if name in old_of or {*why[name]} - {FUNCTIONS}:
            of_another = [_place(e.of) for e in found.memberships if e.member == role.name != name]
            roles.append(_needed(role, name, why[name], [place for place in of_another if place]))
    settings = (f"{role.name}: {', '.join(role.settings)}" for role in found.roles if role.settings)
    members = _memberships(found.memberships, {role.name for role in roles}, owners)
    return NeededRoles(tuple(roles), *members, tuple(settings))


def _memberships(
    found: Iterable[Membership], here: Collection[str], owners: Owners
) -> tuple[tuple[NeededMembership, ...], tuple[str, ...], tuple[str, ...]]:
    """Return who of these is a member of which, who else is one of them, and what else they are in."""
    memberships: dict[tuple[str, str], NeededMembership] = {}
    outside, beyond = set[str](), set[str]()
    for each in found:
        of, member = (owners.roles.get(name, name) for name in (each.of, each.member))
        if member not in here:
            outside |= {f"{member} (in {of})"} if of in here else set()
        elif of.startswith(PREDEFINED) and each.member != member:
            continue  # it is among what a role of another name does not get
        elif of in here or of.startswith(PREDEFINED):
            if of != member:
                memberships.setdefault((of, member), _membership(each, of, member))
        else:
            beyond.add(f"{member} (in {of})")
    return tuple(memberships.values()), tuple(sorted(outside)), tuple(sorted(beyond))


def _place(of: str) -> str:
    return f"{_PLACE}{of}" if of.startswith(PREDEFINED) else ""


def _needed(role: Role, name: str, why: Collection[str], places: Sequence[str]) -> NeededRole:
    """Return what is needed of a role; one of another name gets no attribute that only some may give.

    ``--role postgres=app`` asks for an owner in the place of postgres, and not for another superuser.
    """
    renamed = role.name != name
    return NeededRole(
        name=name,
        why=tuple(sorted(why)),
        login=role.login,
        inherit=role.inherit,
        connection_limit=role.connection_limit,
        valid_until=role.valid_until,
        comment=role.comment,
        privileged=() if renamed else role.privileged,
        renamed_from=role.name if renamed else "",
        left_out=(*role.privileged, *places) if renamed else (),
    )


def _membership(each: Membership, of: str, member: str) -> NeededMembership:
    return NeededMembership(of=of, member=member, admin=each.admin, inherit=each.inherit, set=each.set)


def differences(role: NeededRole, there: Roles) -> list[str]:
    """Return in which attributes a role differs from what the bundle has of it."""
    found = there.by_name[role.name]
    pairs = (
        ("LOGIN" if found.login else "NOLOGIN", "LOGIN" if role.login else "NOLOGIN"),
        ("INHERIT" if found.inherit else "NOINHERIT", "INHERIT" if role.inherit else "NOINHERIT"),
        (f"CONNECTION LIMIT {found.connection_limit}", f"CONNECTION LIMIT {role.connection_limit}"),
        (f"VALID UNTIL {found.valid_until or 'infinity'}", f"VALID UNTIL {role.valid_until or 'infinity'}"),
    )
    said = [f"{now} instead of {then}" for now, then in pairs if now != then]
    lacks = [each for each in role.privileged if each not in found.privileged]
    return said + [f"no {each}" for each in lacks]


def is_member(each: NeededMembership, there: Roles) -> bool:
    """Return whether a membership is there."""
    return any(other.of == each.of and other.member == each.member for other in there.memberships)


def unexpected(each: NeededMembership, roles: Iterable[NeededRole], there: Roles) -> tuple[str, ...]:
    """Return the attributes for whose sake nobody is made a member of a role that is there.

    A role of the target that is a superuser, and is none in the source, is another role, for all that it has
    the same name or is mapped to it: its members would be superusers all of a sudden.
    """
    found = there.by_name.get(each.of)
    more = _more_than(each, roles)
    return tuple(name for name in found.privileged if name in more) if found else ()


def _more_than(each: NeededMembership, roles: Iterable[NeededRole]) -> dict[str, str]:
    """Return the attributes that the source's role has not and no member may come by, with their columns."""
    if each.of.startswith(PREDEFINED):
        return {}
    known = {attribute for role in roles if role.name == each.of for attribute in role.privileged}
    return {attribute: column for attribute, column in FAR_REACHING.items() if attribute not in known}


# --- the statements, for the file and for people


def create_role(role: NeededRole) -> str:
    """Return the statement that makes a role, without what only some may give."""
    words = ["LOGIN" if role.login else "NOLOGIN", "INHERIT" if role.inherit else "NOINHERIT"]
    if role.connection_limit != -1:
        words.append(f"CONNECTION LIMIT {role.connection_limit}")
    if role.valid_until:
        words.append(f"VALID UNTIL {literal(role.valid_until)}")
    return f"CREATE ROLE {quoted(role.name)} {' '.join(words)};"


def grant_membership(each: NeededMembership, major: int) -> str:
    """Return the statement that makes a role a member of another, for a server of that version."""
    statement = f"GRANT {quoted(each.of)} TO {quoted(each.member)}"
    if major < 16:
        return f"{statement} WITH ADMIN OPTION;" if each.admin else f"{statement};"
    options = [f"ADMIN {str(each.admin).upper()}"]
    options += [f"INHERIT {str(each.inherit).upper()}"] if each.inherit is not None else []
    options += [f"SET {str(each.set).upper()}"]
    return f"{statement} WITH {', '.join(options)};"


def be_a_member(role: str, who: str, major: int) -> str:
    """Return the statement after which somebody may give objects to a role, and take them back."""
    options = " WITH INHERIT TRUE, SET TRUE" if major >= 16 else ""
    return f"GRANT {quoted(role)} TO {quoted(who)}{options};"


def by_hand(
    roles: Sequence[NeededRole], memberships: Sequence[NeededMembership], who: str, major: int
) -> Iterator[str]:
    """Yield the statements that make roles, for somebody to paste; ``who`` is to own things as them."""
    for role in roles:
        yield create_role(role)
        given = [each for each in role.privileged if each != "SUPERUSER"]
        if given:
            yield f"ALTER ROLE {quoted(role.name)} {' '.join(given)};"
        if role.comment:
            yield f"COMMENT ON ROLE {quoted(role.name)} IS {literal(role.comment)};"
    names = {role.name for role in roles}
    for each in memberships:
        if names & {each.of, each.member}:
            yield grant_membership(each, major)
    for role in roles:
        if who and gives_objects_to(role):
            yield be_a_member(role.name, who, major)


def gives_objects_to(role: NeededRole) -> bool:
    """Return whether whoever applies the bundle gives objects, or default privileges, to a role."""
    return not {OWNERSHIP, DEFAULTS}.isdisjoint(role.why)


def role_file(header: str, needed: NeededRoles) -> str:
    """Return the text of the file."""
    parts = [header + SESSION + DEFINING]
    parts += (f"\n-- role {one_line(role.name)}\n{_less(role)}{_made(role)}" for role in needed.roles)
    if needed.memberships:
        parts.append("\n-- memberships of the roles that were made")
    parts += (_granted(each, _more_than(each, needed.roles)) for each in needed.memberships)
    return "\n".join(parts) + "\n"


def _less(role: NeededRole) -> str:
    if not role.left_out:
        return ""
    attributes = [each for each in role.left_out if each in PRIVILEGED]
    places = [each.removeprefix(_PLACE) for each in role.left_out if each not in PRIVILEGED]
    statements = [f"ALTER ROLE {quoted(role.name)} {' '.join(attributes)};"] if attributes else []
    statements += [f"GRANT {quoted(place)} TO {quoted(role.name)};" for place in places]
    lines = [
        f"For the source's {one_line(role.renamed_from)}, without what only some may give:",
        *(f"  {one_line(statement)}" for statement in statements),
    ]
    return "".join(f"-- {line}\n" for line in lines)


def _made(role: NeededRole) -> str:
    name, text = quoted(role.name), literal(role.name)
    lines = [
        f"    IF EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = {text}) THEN",
        f"        RAISE WARNING 'role % was there already: it stays as it is', {text};",
        "        RETURN;",
        "    END IF;",
        f"    {create_role(role)}",
        "    PERFORM pg_catalog.set_config('migplan.made_roles',",
        f"        (made || pg_catalog.to_jsonb({text}::pg_catalog.text))::pg_catalog.text, false);",
    ]
    if role.comment:
        lines.append(f"    COMMENT ON ROLE {name} IS {literal(role.comment)};")
    for attribute in role.privileged:
        lines += [
            "    BEGIN",
            f"        ALTER ROLE {name} {attribute};",
            "    EXCEPTION WHEN insufficient_privilege THEN",
            f"        RAISE WARNING 'role % is made without {attribute}, which % may not give', "
            f"{text}, current_user;",
            "    END;",
        ]
    if gives_objects_to(role):
        lines += [
            "    -- Whoever runs this will give objects to the role, which takes a member of it.",
            "    IF NOT (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user) THEN",
            f"        EXECUTE pg_catalog.format('GRANT %I TO %I', {text}, current_user)",
            "            || CASE WHEN pg_catalog.current_setting('server_version_num')::int >= 160000",
            "                    THEN ' WITH INHERIT TRUE, SET TRUE' ELSE '' END;",
            "    END IF;",
        ]
    return _block(lines)


def _granted(each: NeededMembership, more: Mapping[str, str]) -> str:
    found = ", ".join(f"CASE WHEN {column} THEN '{name}' END" for name, column in more.items())
    both = f"ARRAY[{literal(each.of)}, {literal(each.member)}]"
    since_16, before = (grant_membership(each, major).removesuffix(";") for major in (16, 15))
    return _block(
        [
            f"    IF NOT made ?| {both} THEN",
            "        RETURN;  -- both were there already, and stay as they are",
            f"    ELSIF {literal(each.member)} = current_user",
            f"        AND pg_catalog.pg_has_role({literal(each.of)}, 'USAGE') THEN",
            "        RETURN;  -- whoever runs this is one already, and gives objects to the other",
            "    END IF;",
            *(
                [
                    f"    SELECT pg_catalog.concat_ws(', ', {found}) INTO more",
                    f"        FROM pg_catalog.pg_roles WHERE rolname = {literal(each.of)};",
                    "    IF more <> '' THEN",
                    "        RAISE WARNING "
                    "'% is not made a member of %, which has % here, and not in the source',",
                    f"            {literal(each.member)}, {literal(each.of)}, more;",
                    "        RETURN;",
                    "    END IF;",
                ]
                if found
                else ()
            ),
            "    EXECUTE CASE WHEN pg_catalog.current_setting('server_version_num')::int >= 160000",
            f"        THEN {literal(since_16)}",
            f"        ELSE {literal(before)} END;",
            "EXCEPTION WHEN insufficient_privilege OR invalid_grant_operation OR undefined_object THEN",
            "    RAISE WARNING '% is not made a member of %: %',",
            f"        {literal(each.member)}, {literal(each.of)}, SQLERRM;",
        ],
        "    more text;\n",
    )


def setting_of_made(names: Sequence[str]) -> str:
    """Return the statement that tells the rollback of the file which roles it may drop."""
    text = literal(json.dumps(list(names), ensure_ascii=False))
    return f"SELECT pg_catalog.set_config('migplan.made_roles', {text}, false);"


def rollback_of_roles(bundle: str, roles: Sequence[NeededRole]) -> str:
    """Return the rollback of the file: a role that is used elsewhere, or was there before, stays."""
    names = json.dumps([role.name for role in roles], ensure_ascii=False)
    lines = [
        f"-- Rolls back {FILE} of the bundle {one_line(bundle)}.",
        "--",
        "-- Drops the roles that the file made, as far as nothing else uses them, in other databases either.",
        "-- migplan has in its journal which these are. With psql alone, say so in the same session before,",
        "-- and without those that were there before:",
        f"--   SET migplan.made_roles = {one_line(literal(names))};",
        "-- It is the last to run of all rollbacks.",
        "",
        SESSION + "SELECT pg_catalog.set_config('search_path', '', false);\n",
        _block(
            [
                "    IF coalesce(pg_catalog.current_setting('migplan.made_roles', true), '') = '' THEN",
                "        RAISE WARNING 'no role is dropped: the head of this file says how to name them';",
                "    END IF;",
            ]
        ),
        *(_dropped(role.name) for role in reversed(roles)),
    ]
    return "\n".join(lines) + "\n"


def _dropped(name: str) -> str:
    text = literal(name)
    return _block(
        [
            f"    IF made ? {text} AND EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = {text}) THEN",
            f"        DROP ROLE {quoted(name)};",
            "    END IF;",
            "EXCEPTION WHEN dependent_objects_still_exist OR object_in_use OR insufficient_privilege THEN",
            "    GET STACKED DIAGNOSTICS said = PG_EXCEPTION_DETAIL;",
            f"    RAISE WARNING 'role % stays: %', {text}, coalesce(nullif(said, ''), SQLERRM);",
        ],
        "    said text;\n",
    )


def _block(lines: Sequence[str], declared: str = "") -> str:
    body, tag = "\n".join(lines), _TAG
    while tag in body:
        tag = re.sub(r"\$$", "_$", tag)
    declared = f"    made pg_catalog.jsonb :=\n        {_SAID};\n{declared}"
    return f"DO {tag}\nDECLARE\n{declared}BEGIN\n{body}\nEND\n{tag};"
