"""What was in a target before a run came: noted when it begins, and put back when it is rolled back.

Extensions and schemas that were there stay. What their owners, comments and privileges were is put back item
by item, and so are default privileges: a bundle may have granted what had been granted already, and the
rollback files of the bundle, which know nothing of the target, would revoke it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, LiteralString

import psycopg

from migplan.names import quoted
from migplan.postgres.address import Address
from migplan.postgres.failures import explained
from migplan.sql.text import literal

_SCHEMAS: LiteralString = """
    SELECT n.nspname, pg_catalog.pg_get_userbyid(n.nspowner),
           pg_catalog.obj_description(n.oid, 'pg_namespace'), {items}
    FROM pg_catalog.pg_namespace n
    CROSS JOIN LATERAL (SELECT coalesce(n.nspacl, pg_catalog.acldefault('n', n.nspowner))) p (acl)
    WHERE n.nspname !~ '^pg_(toast|temp)' ORDER BY 1
"""
_EXTENSIONS: LiteralString = """
    SELECT e.extname, e.extversion, n.nspname, pg_catalog.obj_description(e.oid, 'pg_extension')
    FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace ORDER BY 1
"""
_DEFAULTS: LiteralString = """
    SELECT pg_catalog.pg_get_userbyid(d.defaclrole), coalesce(n.nspname, ''), d.defaclobjtype::text, {items}
    FROM pg_catalog.pg_default_acl d LEFT JOIN pg_catalog.pg_namespace n ON n.oid = d.defaclnamespace
    CROSS JOIN LATERAL (SELECT d.defaclacl) p (acl)
    ORDER BY 1, 2, 3
"""
_FILLED: LiteralString = """
    SELECT n.nspname, c.relname
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind = 'm' AND c.relispopulated ORDER BY 1, 2
"""
# What holds where no default privileges were set: in a single schema nothing is added.
_STANDARD: LiteralString = """
    SELECT {items}
    FROM pg_catalog.pg_roles r CROSS JOIN (SELECT %s::text, %s::text) w (schema, kind)
    CROSS JOIN LATERAL (
        SELECT CASE WHEN w.schema = '' THEN
            pg_catalog.acldefault((CASE w.kind WHEN 'S' THEN 's' ELSE w.kind END)::"char", r.oid) END
    ) p (acl)
    WHERE r.rolname = %s
"""
_ITEMS: LiteralString = """(
        SELECT coalesce(pg_catalog.json_agg(pg_catalog.json_build_array(
                   CASE x.grantor WHEN 0 THEN '' ELSE pg_catalog.pg_get_userbyid(x.grantor) END,
                   CASE x.grantee WHEN 0 THEN '' ELSE pg_catalog.pg_get_userbyid(x.grantee) END,
                   x.privilege, x.passed_on) ORDER BY x.place), '[]')
        FROM pg_catalog.aclexplode(p.acl) WITH ORDINALITY x (grantor, grantee, privilege, passed_on, place)
    )"""

KINDS: Mapping[str, str] = {
    "r": "TABLES",
    "S": "SEQUENCES",
    "f": "FUNCTIONS",
    "T": "TYPES",
    "n": "SCHEMAS",
    "L": "LARGE OBJECTS",
}
"""The objects that default privileges are about, as the server and as statements call them."""

Default = tuple[str, str, str]
"""Default privileges by their role, their schema ('' for all of them) and the kind of their objects."""

Item = tuple[str, str, str, bool]
"""A privilege: who granted it ('' for public), to whom, which, and whether it may be passed on."""


@dataclass(frozen=True)
class InitialState:
    """What was there, or is there."""

    role: str
    schemas: Mapping[str, Mapping[str, Any]]
    extensions: Mapping[str, Mapping[str, Any]]
    defaults: Mapping[Default, Sequence[Item]]

    @classmethod
    def of(cls, value: Mapping[str, Any]) -> InitialState:
        """From what :func:`read_initial_state` noted."""
        defaults = value.get("defaults", ())
        return cls(
            value.get("role", ""),
            value.get("schemas", {}),
            value.get("extensions", {}),
            {(role, schema, kind): _items(items) for role, schema, kind, items in defaults},
        )


def read_initial_state(connection: psycopg.Connection[Any], address: Address) -> dict[str, Any]:
    """What is there now, in a form for the journal."""
    with explained(address, "noting what is in the target"):
        (role,) = connection.execute("SELECT current_user").fetchone() or ("",)
        schemas = connection.execute(_SCHEMAS.replace("{items}", _ITEMS)).fetchall()
        extensions = connection.execute(_EXTENSIONS).fetchall()
        defaults = connection.execute(_DEFAULTS.replace("{items}", _ITEMS)).fetchall()
        filled = connection.execute(_FILLED).fetchall()
    return {
        "role": role,
        "schemas": {
            name: {"owner": owner, "comment": comment, "privileges": items}
            for name, owner, comment, items in schemas
        },
        "extensions": {
            name: {"version": version, "schema": schema, "comment": comment}
            for name, version, schema, comment in extensions
        },
        "defaults": [list(row) for row in defaults],
        "filled": [list(row) for row in filled],
    }


@dataclass(frozen=True)
class Restoration:
    """The way from what is there now to what was there before."""

    before: InitialState
    now: InitialState
    standard: Mapping[Default, Sequence[Item]]

    def schema(self, name: str) -> Iterator[str]:
        """Owner, comment and privileges of a schema."""
        if name not in self.now.schemas or name not in self.before.schemas:
            return
        then, now = self.before.schemas[name], self.now.schemas[name]
        items = _items(now["privileges"])
        if now["owner"] != then["owner"]:
            yield f"ALTER SCHEMA {quoted(name)} OWNER TO {quoted(then['owner'])};"
            items = _given_over(items, now["owner"], then["owner"])
        if now["comment"] != then["comment"]:
            yield f"COMMENT ON SCHEMA {quoted(name)} IS {_text(then['comment'])};"
        what = f"ON SCHEMA {quoted(name)}"
        for grantor, statement in _regranted("", what, items, _items(then["privileges"])):
            if grantor == then["owner"]:
                yield statement
            else:  # only who granted it, and the superuser in his place, can take it back
                yield f"SET LOCAL ROLE {quoted(grantor)}; {statement} SET LOCAL ROLE NONE;"

    def extension(self, name: str) -> Iterator[str]:
        """The comment of an extension."""
        if name in self.now.extensions and name in self.before.extensions:
            then, now = self.before.extensions[name]["comment"], self.now.extensions[name]["comment"]
            if then != now:
                yield f"COMMENT ON EXTENSION {quoted(name)} IS {_text(then)};"

    def default(self, which: Default) -> Iterator[str]:
        """Default privileges."""
        role, schema, kind = which
        if schema and schema not in self.before.schemas:
            return  # they go with it
        now = self.now.defaults.get(which, self.standard[which])
        then = self.before.defaults.get(which, self.standard[which])
        head = f"ALTER DEFAULT PRIVILEGES FOR ROLE {quoted(role)} "
        head += f"IN SCHEMA {quoted(schema)} " if schema else ""
        for _, statement in _regranted(head, f"ON {KINDS[kind]}", now, then):
            yield statement


def restoration(
    connection: psycopg.Connection[Any], address: Address, before: InitialState, defaults: Sequence[Default]
) -> Restoration:
    """Look at what is there now, to put back what was."""
    now = InitialState.of(read_initial_state(connection, address))
    standard: dict[Default, Sequence[Item]] = {}
    with explained(address, "reading default privileges"):
        for role, schema, kind in defaults:
            found = connection.execute(_STANDARD.replace("{items}", _ITEMS), [schema, kind, role]).fetchone()
            standard[role, schema, kind] = _items(found[0]) if found else ()
    return Restoration(before, now, standard)


def _items(value: Sequence[Sequence[Any]]) -> tuple[Item, ...]:
    return tuple((str(grantor), str(to), str(what), bool(more)) for grantor, to, what, more in value)


def _given_over(items: Sequence[Item], old: str, new: str) -> tuple[Item, ...]:
    """What becomes of privileges when the owner changes."""
    found = (
        (new if grantor == old else grantor, new if to == old else to, what, more)
        for grantor, to, what, more in items
    )
    return tuple(dict.fromkeys(found))


def _regranted(head: str, what: str, now: Sequence[Item], then: Sequence[Item]) -> Iterator[tuple[str, str]]:
    """Statements after which the privileges are those of then, in the same order, and by whom.

    The server appends what is granted; so everything behind the first difference is revoked, and granted
    again as it was.
    """
    here, there = _by_pair(now), _by_pair(then)
    same = 0
    while same < min(len(here), len(there)) and here[same] == there[same]:
        same += 1
    for (grantor, to), privileges in reversed(here[same:]):
        names = ", ".join(sorted({name for name, _ in privileges}))
        yield grantor, f"{head}REVOKE {names} {what} FROM {_role(to)};"
    for (grantor, to), privileges in there[same:]:
        for more in (False, True):
            names = ", ".join(sorted(name for name, passes_on in privileges if passes_on is more))
            if names:
                option = " WITH GRANT OPTION" if more else ""
                yield grantor, f"{head}GRANT {names} {what} TO {_role(to)}{option};"


def _by_pair(items: Sequence[Item]) -> list[tuple[tuple[str, str], frozenset[tuple[str, bool]]]]:
    found: dict[tuple[str, str], set[tuple[str, bool]]] = {}
    for grantor, to, what, more in items:
        found.setdefault((grantor, to), set()).add((what, more))
    return [(pair, frozenset(privileges)) for pair, privileges in found.items()]


def _role(name: str) -> str:
    return quoted(name) if name else "PUBLIC"


def _text(comment: str | None) -> str:
    return "NULL" if comment is None else literal(comment)
