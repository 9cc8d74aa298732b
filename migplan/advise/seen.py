"""What rules look at: a catalog, its graph, and what only people know about it."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

from migplan.catalog.model import Catalog
from migplan.catalog.vitals import Vitals
from migplan.config import AdviseSection
from migplan.graph import ForeignKeyGraph


@dataclass(frozen=True)
class Seen:
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
