"""Who may do what: what the server's ``has_..._privilege`` would say, from the catalog and its roles alone.

A catalog's grants hold only what differs from what every object has by itself, so the rules for that are
here: an owner may do everything, everybody may execute functions and look into the schema public, a
superuser is not asked. A role has the privileges of every role that it inherits from, and of PUBLIC.
"""

from collections import defaultdict
from collections.abc import Iterable

from migplan.catalog.model import Catalog, Function, Grant, Schema, Table, View
from migplan.catalog.vitals import Role, Vitals

Thing = Table | View | Function | Schema
Place = tuple[str, str, str, str]

EVERYBODY = "public"
"""How grants call PUBLIC; no role can have this name."""

_OWNER = "(owner)"
_NO_CREATE_SINCE = 15
_GRANTABLE = " WITH GRANT OPTION"

# Roles that come with the server, and what their members may do with every table and every schema.
_BUILT_IN = {
    "pg_read_all_data": {"table": frozenset({"SELECT"}), "schema": frozenset({"USAGE"})},
    "pg_write_all_data": {
        "table": frozenset({"INSERT", "UPDATE", "DELETE"}),
        "schema": frozenset({"USAGE"}),
    },
    "pg_maintain": {"table": frozenset({"MAINTAIN"}), "schema": frozenset()},
}


class Privileges:
    """The privileges of one catalog, ready to be asked for."""

    def __init__(self, catalog: Catalog, vitals: Vitals) -> None:
        self._roles = {role.name: role for role in vitals.roles}
        self._schemas = {schema.name: schema for schema in catalog.schemas}
        self._stands_for: dict[str, frozenset[str]] = {}
        self._major = catalog.server.major
        self._grants: dict[Place, list[Grant]] = defaultdict(list)
        self._columns: dict[tuple[str, str], set[str]] = defaultdict(set)
        for grant in catalog.grants:
            self._grants[(grant.kind, grant.schema, grant.object, grant.part)].append(grant)
            if grant.kind == "column":
                self._columns[(grant.schema, grant.object)].add(grant.part)

    def role(self, name: str) -> Role:
        """The role of that name; one that nobody knows of has nothing but its name."""
        return self._roles.get(name) or Role(name)

    def stands_for(self, role: str) -> frozenset[str]:
        """The role and all those whose privileges it has, PUBLIC aside."""
        if role not in self._stands_for:
            self._stands_for[role] = frozenset({role, *self.role(role).inherits})
        return self._stands_for[role]

    def may(self, role: str, privilege: str, thing: Thing, column: str = "") -> bool:
        """Whether a role has a privilege on a thing as a whole, or on one of its columns."""
        if self.role(role).superuser or self._by_membership(role, privilege, thing):
            return True
        holders = self.holders(privilege, thing, column)
        return EVERYBODY in holders or not holders.isdisjoint(self.stands_for(role))

    def may_some(self, role: str, privilege: str, thing: Table | View) -> bool:
        """Whether a role has a privilege on a relation, or on at least one of its columns."""
        columns = self._columns.get((thing.name.schema, thing.name.name), ())
        return any(self.may(role, privilege, thing, column) for column in ("", *sorted(columns)))

    def reaches(self, role: str, thing: Table | View | Function, privileges: Iterable[str]) -> bool:
        """Whether a role may do any of this with a thing, and look into its schema."""
        schema = self._schemas.get(thing.name.schema)
        if schema is not None and not self.may(role, "USAGE", schema):
            return False  # an extension's schema is not in the catalog: taken to be open
        if isinstance(thing, Function):
            return any(self.may(role, privilege, thing) for privilege in privileges)
        return any(self.may_some(role, privilege, thing) for privilege in privileges)

    def holders(self, privilege: str, thing: Thing, column: str = "") -> frozenset[str]:
        """The roles, and perhaps PUBLIC, that a privilege was given to, the owner among them."""
        held = set(self._by_default(privilege, thing))
        places = [_place(thing)]
        if column:
            assert isinstance(thing, Table | View)
            places.append(("column", thing.name.schema, thing.name.name, column))
        for place in places:
            for grant in self._grants.get(place, ()):
                grantee = thing.owner if grant.grantee == _OWNER else grant.grantee
                if privilege in grant.withheld:
                    held.discard(grantee)
                if privilege in grant.privileges or privilege + _GRANTABLE in grant.privileges:
                    held.add(grantee)
        return frozenset(held)

    def revocable(self, roles: Iterable[str], privileges: Iterable[str], thing: Thing) -> tuple[str, ...]:
        """The grantees from whom the privileges must be taken so that the roles lose them.

        Empty when no REVOKE can do it: superusers, owners and members of the server's own roles
        do not hold them by a grant.
        """
        found: set[str] = set()
        for role in roles:
            names = self.stands_for(role)
            for privilege in privileges:
                if self.role(role).superuser or self._by_membership(role, privilege, thing):
                    return ()
                if thing.owner in names:
                    return ()
                found |= ({*names, EVERYBODY}) & self._holders_anywhere(privilege, thing)
        return tuple(sorted(found, key=lambda name: (name != EVERYBODY, name)))

    def _holders_anywhere(self, privilege: str, thing: Thing) -> frozenset[str]:
        held = self.holders(privilege, thing)
        if isinstance(thing, Table | View):
            for column in self._columns.get((thing.name.schema, thing.name.name), ()):
                held |= self.holders(privilege, thing, column)
        return held

    def _by_default(self, privilege: str, thing: Thing) -> Iterable[str]:
        yield thing.owner
        # Of the schema public the catalog notes what differs from what it came with: CREATE, too, before 15.
        by_initdb = privilege == "USAGE" or self._major < _NO_CREATE_SINCE
        if isinstance(thing, Function) or (
            isinstance(thing, Schema) and thing.name == "public" and by_initdb
        ):
            yield EVERYBODY

    def _by_membership(self, role: str, privilege: str, thing: Thing) -> bool:
        if isinstance(thing, Function):
            return False
        kind = "schema" if isinstance(thing, Schema) else "table"
        return any(privilege in _BUILT_IN[name][kind] for name in self.stands_for(role) & _BUILT_IN.keys())


def _place(thing: Thing) -> Place:
    match thing:
        case Schema():
            return ("schema", thing.name, "", "")
        case Function():
            return ("function", thing.name.schema, thing.name.name, thing.arguments)
        case View():
            return ("view", thing.name.schema, thing.name.name, "")
        case Table():
            return ("table", thing.name.schema, thing.name.name, "")
