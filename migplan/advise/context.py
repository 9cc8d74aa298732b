"""The context of a rule: a catalog, its graph, the settings, and what several rules ask of them."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from migplan.advise.privileges import EVERYBODY, Privileges
from migplan.catalog.model import Catalog, Column, Function, Policy, Table, TableKind, View
from migplan.catalog.vitals import Vitals
from migplan.config import AdviseSection
from migplan.graph import ForeignKeyGraph
from migplan.names import QualifiedName, quoted

INTEGERS: Mapping[str, int] = {"smallint": 2**15 - 1, "integer": 2**31 - 1, "bigint": 2**63 - 1}
"""The greatest number of each integer type; the least is one further on the other side."""

READ_OR_WRITE = ("SELECT", "INSERT", "UPDATE", "DELETE")
"""What an API does with a relation."""


@dataclass(frozen=True)
class Context:
    """All that a rule may look at."""

    catalog: Catalog
    graph: ForeignKeyGraph
    settings: AdviseSection = field(default_factory=AdviseSection)

    @cached_property
    def vitals(self) -> Vitals:
        """The vitals, for rules that need them: they do not run without."""
        assert self.catalog.vitals is not None
        return self.catalog.vitals

    @cached_property
    def exposed(self) -> frozenset[str]:
        """The schemas that an API exposes."""
        return frozenset(self.settings.exposed_schemas)

    @property
    def api_roles(self) -> tuple[str, ...]:
        """The roles that the API takes, as far as this server has them."""
        there = {role.name for role in self.vitals.roles}
        return tuple(role for role in self.settings.api_roles if role in there)

    @cached_property
    def privileges(self) -> Privileges:
        """Who may do what."""
        return Privileges(self.catalog, self.vitals)

    @cached_property
    def views(self) -> dict[QualifiedName, View]:
        """Each view under its name."""
        return {view.name: view for view in self.catalog.views}

    def reached_by(
        self, thing: Table | View | Function, *privileges: str, roles: Iterable[str] | None = None
    ) -> tuple[str, ...]:
        """The API's roles that may do any of this with something in an exposed schema."""
        if thing.name.schema not in self.exposed:
            return ()
        wanted = self.api_roles if roles is None else roles
        return tuple(role for role in wanted if self.privileges.reaches(role, thing, privileges))

    def revoke(self, thing: Table | View | Function, roles: Iterable[str], *privileges: str) -> str:
        """The SQL that takes privileges from roles, wherever they have them from; empty where none can."""
        found = self.privileges.revocable(roles, privileges, thing)
        if not found:
            return ""
        on = f"ROUTINE {routine(thing)}" if isinstance(thing, Function) else str(thing.name)
        return f"REVOKE {', '.join(privileges)} ON {on} FROM {grantees(found)};"

    # --- keys, columns, partitions -----------------------------------------------------------------------

    @property
    def stored_columns(self) -> Iterator[tuple[Table, Column]]:
        """Each column once, where it is declared: not again in partitions and in tables that inherit it.

        Foreign tables are left out: what their columns are is decided on another server.
        """
        tables = self.catalog.by_name
        for table in self.catalog.tables:
            if table.partition_of or table.kind is TableKind.FOREIGN:
                continue
            inherited = {
                column.name
                for parent in table.inherits
                if parent in tables
                for column in tables[parent].columns
            }
            for column in table.columns:
                if column.name not in inherited:
                    yield table, column

    @cached_property
    def _domains(self) -> dict[str, str]:
        return {str(each.name): each.definition[0] for each in self.catalog.types if each.kind == "domain"}

    def base_type(self, type_: str) -> str:
        """The type below a domain, and below the domains that it is over; any other type is its own."""
        while type_ in self._domains:
            type_ = self._domains[type_]
        return type_

    def partitioned(self, table: Table) -> Iterator[Table]:
        """The tables that a table is a partition of, the nearest first."""
        tables = self.catalog.by_name
        while table.partition_of in tables:
            table = tables[table.partition_of]
            yield table

    def leaves(self, table: Table) -> tuple[Table, ...]:
        """The partitions of a table that hold rows, at any distance; none where it is not partitioned."""
        if table.kind is not TableKind.PARTITIONED:
            return ()
        root = (table, *self.partitioned(table))[-1]
        return tuple(
            part
            for part in self.graph.families[root.name][1:]
            if part.kind is not TableKind.PARTITIONED and table in self.partitioned(part)
        )

    # --- row-level security ------------------------------------------------------------------------------

    @property
    def policies(self) -> Iterator[tuple[Table, Policy]]:
        """Every policy with its table."""
        for table in self.catalog.tables:
            for policy in table.policies:
                yield table, policy

    def bypasses(self, role: str) -> bool:
        """Whether row-level security does not hold for a role anywhere."""
        known = self.privileges.role(role)
        return known.superuser or known.bypasses_row_security

    def is_above_policies(self, role: str, table: Table) -> bool:
        """Whether a table's policies do not hold for a role: it bypasses them, or owns the table."""
        owns = table.owner in self.privileges.stands_for(role)
        return self.bypasses(role) or (owns and not table.force_row_security)

    def holds_for(self, policy: Policy, role: str) -> bool:
        """Whether a policy is for a role: for everybody, for it, or for one that it inherits from."""
        names = self.privileges.stands_for(role)
        return "PUBLIC" in policy.roles or not names.isdisjoint(policy.roles)

    # --- what is read through views, what functions are like ---------------------------------------------

    def read_through(self, view: View) -> tuple[Table, ...]:
        """The tables that a view reads, itself or by way of other views."""
        found: set[QualifiedName] = set()
        ahead = [view.name]
        while ahead:
            here = self.views.get(ahead.pop())
            for name in here.reads if here else ():
                if name not in found:
                    found.add(name)
                    ahead.append(name)
        tables = self.catalog.by_name
        return tuple(tables[name] for name in sorted(found) if name in tables)

    @cached_property
    def stable_functions(self) -> frozenset[tuple[str, str]]:
        """Schema and name of functions that give one value, the same one all through a statement."""
        kinds: dict[tuple[str, str], set[bool]] = defaultdict(set)
        for function in self.catalog.functions:
            single = not function.returns.startswith(("SETOF", "TABLE"))
            stable = function.volatility == "stable" and function.kind == "function" and single
            kinds[(function.name.schema, function.name.name)].add(stable)
        return frozenset(name for name, found in kinds.items() if found == {True})


def grantees(names: Iterable[str]) -> str:
    """Grantees as SQL has them."""
    return ", ".join("PUBLIC" if name == EVERYBODY else quoted(name) for name in names)


def routine(function: Function) -> str:
    """A function as SQL names one among others of its name."""
    return f"{function.name}({function.arguments})"


def is_invoker(view: View) -> bool:
    """Whether a view reads with the rights of who asks it."""
    option = next((each for each in view.options if each.lower().startswith("security_invoker=")), "=off")
    return option.partition("=")[2].lower() in {"t", "tr", "tru", "true", "y", "ye", "yes", "on", "1"}


def can_be_altered(table: Table, column: str) -> bool:
    """Whether the server lets one change the column's type: not where partitions depend on it."""
    return table.partition_key is None or column not in table.partition_key


def retype(table: Table, column: Column, new: str, using: str) -> str:
    """The SQL that gives a column another type; empty where the server would refuse."""
    if column.generated or not can_be_altered(table, column.name):
        return ""
    name = quoted(column.name)
    return f"ALTER TABLE {table.name} ALTER COLUMN {name} TYPE {new} USING {name}{using};"
