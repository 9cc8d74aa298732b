"""What every table's section asks of the whole database, looked up once."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from migplan.advise import Advice, Finding
from migplan.catalog.model import Catalog, ForeignKey, Function, Sequence, Table
from migplan.catalog.vitals import Bloat
from migplan.document.derive.columns import is_tenant
from migplan.document.derive.platforms import platform_prefixes
from migplan.document.derive.policies import Comparison, compared
from migplan.graph import ForeignKeyGraph
from migplan.names import QualifiedName


@dataclass(frozen=True)
class Facts:
    """A database as the sections see it."""

    catalog: Catalog
    graph: ForeignKeyGraph
    advice: Advice

    @cached_property
    def incoming(self) -> Mapping[QualifiedName, tuple[ForeignKey, ...]]:
        """The keys that refer to each table, those of itself included."""
        found: dict[QualifiedName, list[ForeignKey]] = defaultdict(list)
        for key in self.catalog.foreign_keys:
            found[key.referenced].append(key)
        return {name: tuple(keys) for name, keys in found.items()}

    @cached_property
    def findings(self) -> Mapping[QualifiedName, tuple[Finding, ...]]:
        """The findings about each table; those about a partition are with its top table."""
        home = {part: owner for owner, parts in self.graph.partitions.items() for part in parts}
        found: dict[QualifiedName, list[Finding]] = defaultdict(list)
        for finding in self.advice.findings:
            if finding.table is not None:
                found[home.get(finding.table, finding.table)].append(finding)
        return {name: tuple(each) for name, each in found.items()}

    @cached_property
    def functions(self) -> Mapping[QualifiedName, Function]:
        """Functions by name; of those that share one, the first."""
        found: dict[QualifiedName, Function] = {}
        for function in self.catalog.functions:
            found.setdefault(function.name, function)
        return found

    @cached_property
    def sequences(self) -> Mapping[QualifiedName, tuple[Sequence, ...]]:
        """The sequences that each table's columns own."""
        found: dict[QualifiedName, list[Sequence]] = defaultdict(list)
        for sequence in self.catalog.sequences:
            if sequence.owned_by is not None:
                found[sequence.owned_by].append(sequence)
        return {name: tuple(each) for name, each in found.items()}

    @cached_property
    def labels(self) -> Mapping[str, tuple[str, ...]]:
        """The labels of each enum, by the name that columns have for the type."""
        return {str(each.name): each.definition for each in self.catalog.types if each.kind == "enum"}

    @cached_property
    def bloat(self) -> Mapping[QualifiedName, tuple[Bloat, ...]]:
        """The bloat of each table and its indexes."""
        found: dict[QualifiedName, list[Bloat]] = defaultdict(list)
        for each in self.catalog.vitals.bloat if self.catalog.vitals else ():
            found[each.table].append(each)
        return {name: tuple(each) for name, each in found.items()}

    @cached_property
    def platforms(self) -> frozenset[str]:
        """Prefixes of tables that stand for another system."""
        return platform_prefixes(self.catalog)

    @cached_property
    def _isolating(self) -> Mapping[QualifiedName, tuple[Comparison, ...]]:
        return {
            table.name: tuple(
                found
                for policy in table.policies
                for text in (policy.using, policy.check)
                if text
                for found in compared(text, table)
            )
            for table in self.catalog.tables
            if table.policies
        }

    def isolating(self, table: Table) -> tuple[str, ...]:
        """Return the columns by which policies tell whose a row is, the tenant's before the user's."""
        found = sorted(self._isolating.get(table.name, ()), key=lambda each: each.personal)
        return tuple(dict.fromkeys(each.column for each in found))

    def tenant(self, table: Table) -> str | None:
        """Return the tenant column, where a policy or an index shows that there is one."""
        from_policies = [each.column for each in self._isolating.get(table.name, ()) if not each.personal]
        if from_policies:
            return from_policies[0]
        leading = (index.columns[0] for index in table.indexes if len(index.columns) > 1)
        return next((column for column in leading if is_tenant(column)), None)

    def ahead(self, table: Table) -> tuple[str, ...]:
        """Return the tenant column as the leading columns of a condition; empty where there is none."""
        tenant = self.tenant(table)
        return (tenant,) if tenant else ()

    def codes(self, table: Table, code: str, about: str = "") -> str:
        """Return the code of a rule, where it has a finding about the table, and about these columns."""
        return next(
            (
                finding.code
                for finding in self.findings.get(table.name, ())
                if finding.code == code and about in finding.what
            ),
            "",
        )
