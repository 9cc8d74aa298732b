"""What was in a target before a run came: noted when it begins, and restored when it is rolled back.

Extensions and schemas that were there stay. What their owners, comments and privileges were is put back item
by item, and so are default privileges: a bundle may have granted what had been granted already, and the
rollback files of the bundle, which know nothing of the target, would revoke it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, LiteralString

from migplan.postgres.session import Session

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
ITEMS: LiteralString = """(
        SELECT coalesce(pg_catalog.json_agg(pg_catalog.json_build_array(
                   CASE x.grantor WHEN 0 THEN '' ELSE pg_catalog.pg_get_userbyid(x.grantor) END,
                   CASE x.grantee WHEN 0 THEN '' ELSE pg_catalog.pg_get_userbyid(x.grantee) END,
                   x.privilege, x.passed_on) ORDER BY x.place), '[]')
        FROM pg_catalog.aclexplode(p.acl) WITH ORDINALITY x (grantor, grantee, privilege, passed_on, place)
    )"""

Default = tuple[str, str, str]
"""Default privileges by their role, their schema ('' for all of them) and the kind of their objects."""

Item = tuple[str, str, str, bool]
"""A privilege: who granted it ('' for public), to whom, which, and whether it may be passed on."""


@dataclass(frozen=True)
class InitialState:
    """Schemas, extensions and default privileges of a database at one time."""

    role: str
    schemas: Mapping[str, Mapping[str, Any]]
    extensions: Mapping[str, Mapping[str, Any]]
    defaults: Mapping[Default, Sequence[Item]]
    made_roles: tuple[str, ...] = ()  # not what was there, but what the run itself made of what was not

    @classmethod
    def of(cls, value: Mapping[str, Any]) -> InitialState:
        """Return the state that :func:`read_initial_state` noted."""
        defaults = value.get("defaults", ())
        return cls(
            value.get("role", ""),
            value.get("schemas", {}),
            value.get("extensions", {}),
            {(role, schema, kind): items_of(items) for role, schema, kind, items in defaults},
            tuple(value.get("made_roles", ())),
        )


def read_initial_state(session: Session) -> dict[str, Any]:
    """Return the state of a database, in the form in which the journal keeps it."""
    with session.translate_errors("noting what is in the target"):
        (role,) = session.execute("SELECT current_user").fetchone() or ("",)
        schemas = session.execute(_SCHEMAS.replace("{items}", ITEMS)).fetchall()
        extensions = session.execute(_EXTENSIONS).fetchall()
        defaults = session.execute(_DEFAULTS.replace("{items}", ITEMS)).fetchall()
        filled = session.execute(_FILLED).fetchall()
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


def items_of(value: Sequence[Sequence[Any]]) -> tuple[Item, ...]:
    return tuple((str(grantor), str(to), str(what), bool(more)) for grantor, to, what, more in value)
